//! `spin:variables`.

use wasmtime::Result;
use wasmtime::component::{Accessor, HasSelf};

use crate::bindings::variables::{Error, Host, HostWithStore};
use crate::instance::Guest;

impl Host for Guest {}

impl<T: 'static> HostWithStore<T> for HasSelf<Guest> {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> Result<Result<String, Error>> {
        let around = super::begin(accessor).await;
        Ok(around.component.variables.get(&name))
    }
}
