//! Running statements, with what Spin reports of them and what it loses.

use futures::TryStreamExt;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Params};
use tokio::sync::{mpsc, oneshot};

use super::SharedConn;
use super::values::{columns, row, to_mysql};
use crate::bindings::mysql::{Column, Error, ParameterValue, Row};
use crate::factors::stream::CAPACITY;
use crate::factors::{MAX_BUFFERED_BYTES, too_large};

type Found = (Vec<Column>, mpsc::Receiver<Row>, oneshot::Receiver<Result<(), Error>>);

/// Runs a statement; its rows and its row count are dropped.
pub(super) async fn execute(conn: SharedConn, text: String, values: Vec<ParameterValue>) -> Result<(), Error> {
    let result = conn.lock().await.exec_batch(text, [parameters(values)]).await;
    result.map_err(|error| Error::QueryFailed(format!("{error:?}")))
}

/// Starts a query. The connection is busy until its rows are read or dropped.
///
/// An error before the first row is lost, as in Spin: it goes to a future that the component never gets, and the component
/// sees that a channel was closed (`docs/spin.md#errors-of-mysql`).
pub(super) async fn query(conn: SharedConn, text: String, values: Vec<ParameterValue>) -> Result<Found, Error> {
    let (columns_tx, columns) = oneshot::channel();
    let (rows_tx, rows) = mpsc::channel(CAPACITY);
    let (result_tx, result) = oneshot::channel();
    tokio::spawn(async move {
        let sent = send_rows(&mut *conn.lock().await, text, parameters(values), columns_tx, rows_tx).await;
        // Nobody to tell when the component has dropped the future, or never got it.
        let _ = result_tx.send(sent);
    });
    let columns = columns.await.map_err(|error| Error::Other(format!("async error: {error}")))?;
    Ok((columns, rows, result))
}

async fn send_rows(
    conn: &mut Conn,
    text: String,
    parameters: Params,
    columns_tx: oneshot::Sender<Vec<Column>>,
    rows_tx: mpsc::Sender<Row>,
) -> Result<(), Error> {
    let other = |error: mysql_async::Error| Error::Other(error.to_string());
    let mut found = conn.exec_iter(text, parameters).await.map_err(|error| Error::QueryFailed(format!("{error:?}")))?;
    let columns = columns(found.columns_ref());
    // The component may be gone already; the rows channel tells.
    let _ = columns_tx.send(columns.clone());

    let mut stream = found.stream().await.map_err(other)?;
    let stream = stream.as_mut().ok_or_else(|| Error::Other("unable to stream query result".to_owned()))?;
    let mut bytes = 0;
    while let Some(next) = stream.try_next().await.map_err(other)? {
        let (row, size) = row(next, &columns)?;
        bytes += size;
        if bytes > MAX_BUFFERED_BYTES {
            return Err(Error::Other(too_large()));
        }
        rows_tx.send(row).await.map_err(|error| Error::Other(format!("async error: {error}")))?;
    }
    Ok(())
}

fn parameters(values: Vec<ParameterValue>) -> Params {
    Params::Positional(values.into_iter().map(to_mysql).collect())
}

/// Has the server cut the connection, from a second one, as an operator or a restart would.
pub(super) async fn kill(conn: &SharedConn) -> Result<(), mysql_async::Error> {
    let (id, options) = {
        let conn = conn.lock().await;
        (conn.id(), conn.opts().clone())
    };
    let mut other = Conn::new(options).await?;
    other.query_drop(format!("KILL CONNECTION {id}")).await?;
    other.disconnect().await
}
