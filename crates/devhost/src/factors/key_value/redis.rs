//! A key-value store on a Redis server, one multiplexed connection for the whole process, as in Spin.

use std::sync::Arc;

use anyhow::{Context, Result};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Client, RedisError};
use tokio::sync::{OnceCell, mpsc, oneshot};

use super::Keys;
use crate::bindings::key_value::Error;
use crate::factors::stream::CAPACITY;

/// A Redis server; connected when it is first used.
pub(super) struct Server {
    client: Client,
    connection: OnceCell<MultiplexedConnection>,
}

impl Server {
    pub(super) fn new(url: &str) -> Result<Self> {
        let client = Client::open(url).context("the URL of a redis key-value store cannot be used")?;
        Ok(Self { client, connection: OnceCell::new() })
    }

    pub(super) async fn open(&self) -> Result<(), Error> {
        self.connection().await.map(drop)
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.connection().await?.get(key).await.map_err(other)
    }

    pub(super) async fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.connection().await?.set(key, value).await.map_err(other)
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), Error> {
        self.connection().await?.del(key).await.map_err(other)
    }

    pub(super) async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.connection().await?.exists(key).await.map_err(other)
    }

    pub(super) fn keys(self: Arc<Self>) -> Keys {
        let (keys_tx, keys) = mpsc::channel(CAPACITY);
        let (result_tx, result) = oneshot::channel();
        tokio::spawn(async move {
            let sent = async {
                let all: Vec<String> = self.connection().await?.keys("*").await.map_err(other)?;
                for key in all {
                    keys_tx.send(key).await.map_err(|error| Error::Other(error.to_string()))?;
                }
                Ok(())
            };
            // Nobody to tell when the component has dropped the future.
            let _ = result_tx.send(sent.await);
        });
        (keys, result)
    }

    async fn connection(&self) -> Result<MultiplexedConnection, Error> {
        let connect = || self.client.get_multiplexed_async_connection();
        self.connection.get_or_try_init(connect).await.cloned().map_err(other)
    }
}

fn other(error: RedisError) -> Error {
    Error::Other(format!("{error:?}"))
}
