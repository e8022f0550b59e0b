//! What a dependency gets instead of the interfaces whose grants it does not inherit: the same, refusing every call.
//!
//! Spin composes an adapter component into the dependency. Here the composition imports such an interface under another
//! name, and the host answers there as Spin's adapter would: opening anything fails, the rest cannot be reached.

use anyhow::Result;
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceType};
use wasmtime::format_err;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p3::{Request, Response};

use crate::bindings::{key_value, mysql, sqlite, variables};
use crate::instance::Guest;
use crate::manifest::Inheritance;

const HTTP: &str = "devhost:denied/http-client";
const MYSQL: &str = "devhost:denied/mysql";
const ENVIRONMENT_P2: &str = "devhost:denied/environment-p2";
const ENVIRONMENT_P3: &str = "devhost:denied/environment-p3";
const FILES_P2: &str = "devhost:denied/preopens-p2";
const FILES_P3: &str = "devhost:denied/preopens-p3";
const KEY_VALUE: &str = "devhost:denied/key-value";
const SQLITE: &str = "devhost:denied/sqlite";
const VARIABLES: &str = "devhost:denied/variables";

/// As (set of grants, what the import's name begins with, the name of the denial).
const DENIALS: [(&str, &str, &str); 9] = [
    ("allowed_outbound_hosts", "wasi:http/client@0.3.", HTTP),
    ("allowed_outbound_hosts", "spin:mysql/mysql@3.", MYSQL),
    ("environment", "wasi:cli/environment@0.2.", ENVIRONMENT_P2),
    ("environment", "wasi:cli/environment@0.3.", ENVIRONMENT_P3),
    ("files", "wasi:filesystem/preopens@0.2.", FILES_P2),
    ("files", "wasi:filesystem/preopens@0.3.", FILES_P3),
    ("key_value_stores", "spin:key-value/key-value@3.", KEY_VALUE),
    ("sqlite_databases", "spin:sqlite/sqlite@3.", SQLITE),
    ("variables", "spin:variables/variables@3.", VARIABLES),
];

/// The denial for an import, unless the dependency inherits what it is for or nothing is granted through it.
pub(crate) fn for_import(import: &str, inheritance: &Inheritance) -> Option<&'static str> {
    let (set, _, denial) = DENIALS.iter().find(|(_, prefix, _)| import.starts_with(prefix))?;
    let inherited = match inheritance {
        Inheritance::All(all) => *all,
        Inheritance::Some(sets) => sets.iter().any(|inherited| inherited == set),
    };
    (!inherited).then_some(denial)
}

/// A resource of which there is none.
struct Nothing;

/// Adds the denials.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    http(linker.instance(HTTP)?)?;
    environment(linker.instance(ENVIRONMENT_P2)?)?;
    environment(linker.instance(ENVIRONMENT_P3)?)?;
    for files in [FILES_P2, FILES_P3] {
        linker
            .instance(files)?
            .func_wrap("get-directories", |_, (): ()| Ok((Vec::<(Resource<Descriptor>, String)>::new(),)))?;
    }

    linker.instance(VARIABLES)?.func_wrap_concurrent("get", |_, (name,): (String,)| {
        Box::pin(async move { Ok((Err::<String, _>(variables::Error::Undefined(name)),)) })
    })?;

    let mut mysql = linker.instance(MYSQL)?;
    nothing(&mut mysql, "connection", &[], &["query", "execute"])?;
    mysql.func_wrap_concurrent("[static]connection.open", |_, (_,): (String,)| {
        let denied = mysql::Error::Other(not_permitted("spin:mysql/mysql"));
        Box::pin(async { Ok((Err::<Resource<Nothing>, _>(denied),)) })
    })?;

    let mut store = linker.instance(KEY_VALUE)?;
    nothing(&mut store, "store", &[], &["get", "set", "delete", "exists", "get-keys"])?;
    store.func_wrap_concurrent("[static]store.open", |_, (_,): (String,)| {
        Box::pin(async { Ok((Err::<Resource<Nothing>, _>(key_value::Error::AccessDenied),)) })
    })?;

    let mut sqlite = linker.instance(SQLITE)?;
    let later = ["execute-async", "last-insert-rowid-async", "changes-async"];
    nothing(&mut sqlite, "connection", &["execute", "last-insert-rowid", "changes"], &later)?;
    sqlite.func_wrap("[static]connection.open", |_, (_,): (String,)| {
        Ok((Err::<Resource<Nothing>, _>(sqlite::Error::AccessDenied),))
    })?;
    sqlite.func_wrap_concurrent("[static]connection.open-async", |_, (_,): (String,)| {
        Box::pin(async { Ok((Err::<Resource<Nothing>, _>(sqlite::Error::AccessDenied),)) })
    })?;
    Ok(())
}

fn http(mut client: LinkerInstance<'_, Guest>) -> Result<()> {
    client.func_wrap_concurrent("send", |accessor, (request,): (Resource<Request>,)| {
        Box::pin(async move {
            accessor.with(|mut access| access.data_mut().table.delete(request))?;
            let denied = ErrorCode::InternalError(Some(not_permitted("wasi:http/client")));
            Ok((Err::<Resource<Response>, _>(denied),))
        })
    })?;
    Ok(())
}

fn environment(mut environment: LinkerInstance<'_, Guest>) -> Result<()> {
    environment.func_wrap("get-environment", |_, (): ()| Ok((Vec::<(String, String)>::new(),)))?;
    environment.func_wrap("get-arguments", |_, (): ()| Ok((Vec::<String>::new(),)))?;
    for name in ["initial-cwd", "get-initial-cwd"] {
        environment.func_wrap(name, |_, (): ()| Ok((None::<String>,)))?;
    }
    Ok(())
}

/// Adds a resource that nobody can get, and its methods, which nobody can call.
fn nothing(
    interface: &mut LinkerInstance<'_, Guest>,
    resource: &str,
    methods: &[&str],
    async_methods: &[&str],
) -> Result<()> {
    let unreachable = || format_err!("a denied resource was used");
    interface.resource(resource, ResourceType::host::<Nothing>(), |_, _| Ok(()))?;
    for method in methods {
        interface.func_new(&format!("[method]{resource}.{method}"), move |_, _, _, _| Err(unreachable()))?;
    }
    for method in async_methods {
        interface.func_new_concurrent(&format!("[method]{resource}.{method}"), move |_, _, _, _| {
            Box::pin(async move { Err(unreachable()) })
        })?;
    }
    Ok(())
}

fn not_permitted(interface: &str) -> String {
    format!("{interface:?} is not permitted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_inherited_is_denied() {
        let some = Inheritance::Some(vec!["allowed_outbound_hosts".to_owned()]);
        assert_eq!(for_import("wasi:http/client@0.3.0", &some), None);
        assert_eq!(for_import("spin:variables/variables@3.0.0", &some), Some(VARIABLES));
        assert_eq!(for_import("spin:variables/variables@3.0.0", &Inheritance::All(true)), None);
        assert_eq!(for_import("wasi:http/client@0.3.0", &Inheritance::All(false)), Some(HTTP));
        assert_eq!(for_import("wasi:http/types@0.3.0", &Inheritance::All(false)), None);
    }
}
