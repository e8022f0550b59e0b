//! The host side of Spin's interfaces, generated from `wit/`.

#[allow(missing_docs, unreachable_pub, clippy::large_futures, reason = "generated code")]
mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "devhost:host/imports",
        imports: { default: async | trappable },
        with: {
            "spin:key-value/key-value.store": with::Store,
            "spin:mysql/mysql.connection": with::MysqlConnection,
            "spin:sqlite/sqlite.connection": with::SqliteConnection,
        },
    });

    /// Our types behind the resources; the macro wants to re-export them.
    mod with {
        pub type Store = crate::factors::key_value::Store;
        pub type MysqlConnection = crate::factors::mysql::Connection;
        pub type SqliteConnection = crate::factors::sqlite::Connection;
    }
}

pub(crate) use generated::spin::{key_value::key_value, mysql::mysql, sqlite::sqlite, variables::variables};
