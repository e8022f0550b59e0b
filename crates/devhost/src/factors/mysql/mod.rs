//! `spin:mysql`, with the same client crate as Spin and so with the same quirks (`docs/spin.md#dropping-a-connection`
//! and `docs/spin.md#errors-of-mysql`).

mod address;
mod statement;
mod values;

use std::sync::Arc;

use mysql_async::{Conn, Pool};
use tokio::sync::Mutex;
use tokio::time::timeout;
use wasmtime::bail;
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, ResourceTable, StreamReader};

use super::MAX_HANDLES;
use super::stream::Channel;
use crate::bindings::mysql::{Column, Error, Host, HostConnection, HostConnectionWithStore, ParameterValue, Row};
use crate::instance::{Guest, Surroundings};
use crate::strict::HANG;

/// What a component's handle stands for. A connection serves one statement at a time, until its rows are read.
pub(crate) struct Connection(SharedConn);

type SharedConn = Arc<Mutex<Conn>>;

/// The connections of an instance.
///
/// As in Spin the lock is held while a connection is opened, and a drop waits for it while the whole instance waits for
/// the drop: dropping a connection while another is opened hangs the instance for ever
/// (`docs/spin.md#dropping-a-connection`).
pub(crate) type Connections = Arc<Mutex<ResourceTable>>;

type Rows = (Vec<Column>, StreamReader<Row>, FutureReader<Result<(), Error>>);

impl Host for Guest {}

impl HostConnection for Guest {
    async fn drop(&mut self, handle: Resource<Connection>) -> wasmtime::Result<()> {
        let mut connections = match self.mysql.try_lock() {
            Ok(connections) => connections,
            Err(_) if self.around.host.strict.is_on() => {
                bail!(
                    "dropped a MySQL connection while another is being opened; Spin would hang for ever (docs/spin.md#dropping-a-connection)"
                );
            }
            Err(_) => self.mysql.lock().await,
        };
        connections.delete(handle)?;
        Ok(())
    }
}

impl<T: 'static> HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open(
        accessor: &Accessor<T, Self>,
        address: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        let around = super::begin(accessor).await;
        let connections = accessor.with(|mut access| access.get().mysql.clone());
        let mut connections = connections.lock().await;
        if !around.component.allowed_hosts.allows(&address, "mysql") {
            return Ok(Err(Error::ConnectionFailed(format!("address {address} is not permitted"))));
        }
        if around.host.strict.is_on()
            && let Some(name) = address::unknown_parameter(&address)
        {
            bail!(
                "the MySQL URL has the unknown parameter `{name}`; Spin would panic (docs/spin.md#opening-a-connection)"
            );
        }
        let opened = match address::options(&address) {
            Ok(options) => Pool::new(options).get_conn().await.map_err(anyhow::Error::from),
            Err(error) => Err(error),
        };
        match opened {
            Ok(_) if connections.iter_mut().count() >= MAX_HANDLES => {
                Ok(Err(Error::ConnectionFailed("too many connections".to_owned())))
            }
            Ok(conn) => Ok(Ok(connections.push(Connection(Arc::new(Mutex::new(conn))))?)),
            Err(error) => Ok(Err(Error::ConnectionFailed(format!("{error:?}")))),
        }
    }

    async fn execute(
        accessor: &Accessor<T, Self>,
        handle: Resource<Connection>,
        text: String,
        parameters: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let around = super::begin(accessor).await;
        let conn = connection(accessor, &handle).await?;
        inject_drop(&around, &conn).await;
        watch(&around, &conn).await?;
        Ok(statement::execute(conn, text, parameters).await)
    }

    async fn query(
        accessor: &Accessor<T, Self>,
        handle: Resource<Connection>,
        text: String,
        parameters: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<Rows, Error>> {
        let around = super::begin(accessor).await;
        let conn = connection(accessor, &handle).await?;
        inject_drop(&around, &conn).await;
        watch(&around, &conn).await?;
        let (columns, rows, result) = match statement::query(conn, text, parameters).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, Channel(rows))?;
            Ok(Ok((columns, rows, FutureReader::new(&mut access, result)?)))
        })
    }
}

async fn connection<T: 'static>(
    accessor: &Accessor<T, HasSelf<Guest>>,
    handle: &Resource<Connection>,
) -> wasmtime::Result<SharedConn> {
    let connections = accessor.with(|mut access| access.get().mysql.clone());
    let connections = connections.lock().await;
    Ok(connections.get(handle)?.0.clone())
}

/// In the strict mode, waits until the connection is free, and calls it a hang when nobody reads its rows.
async fn watch(around: &Surroundings, conn: &SharedConn) -> wasmtime::Result<()> {
    if around.host.strict.is_on() && timeout(HANG, conn.lock()).await.is_err() {
        bail!(
            "a statement waits for a MySQL connection whose rows nobody reads; Spin would hang (docs/spin.md#unread-rows)"
        );
    }
    Ok(())
}

/// Lets the server cut the connection when a test wants it cut before this statement.
async fn inject_drop(around: &Surroundings, conn: &SharedConn) {
    if around.host.faults.drops_database_now()
        && let Err(error) = statement::kill(conn).await
    {
        eprintln!("devhost: cannot drop the connection, as the fault asks for: {error}");
    }
}
