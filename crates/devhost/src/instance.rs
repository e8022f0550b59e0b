//! Instances: what lives with each, and when one is started, reused and thrown away.
//!
//! The handler that drives them is wasmtime's own, the one that Spin uses, with Spin's settings
//! (`docs/spin.md#instances`).

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep};
use wasmtime::component::{GuestTaskId, ResourceTable};
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::component::Component;
use crate::factors::http::{Incoming, Outbound};
use crate::factors::mysql;
use crate::host::Host;
use crate::passages::Passages;

/// What host functions reach from an instance.
pub(crate) struct Surroundings {
    pub(crate) component: Arc<Component>,
    pub(crate) host: Arc<Host>,
    pub(crate) kill: KillSwitch,
}

/// Ends an instance, with all its requests, as a trap would.
#[derive(Default)]
pub(crate) struct KillSwitch(OnceLock<String>);

impl KillSwitch {
    /// Ends the instance when it next waits for anything.
    pub(crate) fn pull(&self, reason: String) {
        // Whoever pulled first has killed it.
        let _ = self.0.set(reason);
    }
}

/// The data of an instance's store.
pub(crate) struct Guest {
    pub(crate) around: Arc<Surroundings>,
    pub(crate) table: ResourceTable,
    pub(crate) key_value: ResourceTable,
    pub(crate) sqlite: ResourceTable,
    pub(crate) mysql: mysql::Connections,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    incoming: Incoming,
}

impl Guest {
    fn new(around: Arc<Surroundings>) -> wasmtime::Result<Self> {
        let component = &around.component;
        let mut wasi = WasiCtxBuilder::new();
        wasi.envs(&component.environment);
        wasi.stdout(component.logs.stdout.clone()).stderr(component.logs.stderr.clone());
        for (host, guest) in &component.mounts {
            wasi.preopened_dir(host, guest, FsPerms::ReadOnly)
                .map_err(|error| error.context(format!("cannot mount {}", host.display())))?;
        }
        Ok(Self {
            table: ResourceTable::new(),
            key_value: ResourceTable::new(),
            sqlite: ResourceTable::new(),
            mysql: mysql::Connections::default(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound: Outbound(around.clone()),
            incoming: Incoming,
            around,
        })
    }
}

impl Guest {
    /// The view through which requests come in. Unlike WASI's own it lets all headers pass, `host` among them, as Spin does.
    fn incoming(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.incoming }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}

/// How long instances live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reuse {
    pub(crate) max_requests: usize,
    pub(crate) max_concurrent_requests: usize,
    pub(crate) idle_timeout: Duration,
    pub(crate) request_timeout: Option<Duration>,
}

/// Starts the instances of one component.
pub(crate) struct Instances {
    pub(crate) engine: Engine,
    pub(crate) service: ServicePre<Guest>,
    pub(crate) component: Arc<Component>,
    pub(crate) host: Arc<Host>,
    /// Where passages are counted, if they are.
    pub(crate) passages: Option<Arc<Passages>>,
}

impl HandlerState for Instances {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let around = Arc::new(Surroundings {
            component: self.component.clone(),
            host: self.host.clone(),
            kill: KillSwitch::default(),
        });
        let mut store = Store::new(&self.engine, Guest::new(around.clone())?);
        if let Some(passages) = &self.passages {
            passages.count_in(&mut store);
        }
        let proxy = Proxy::P3(self.service.instantiate_async(&mut store).await?);
        let reuse = self.host.reuse;
        Ok(Instance {
            store,
            proxy,
            view: Guest::incoming,
            expiration: Expiration { around: around.clone(), reuse, sleep: None },
            state: Worker { around, reuse, started: 0.into() },
        })
    }
}

/// Says when an instance is thrown away.
pub(crate) struct Expiration {
    around: Arc<Surroundings>,
    reuse: Reuse,
    /// The timer for (status since, timeout).
    sleep: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        if self.around.kill.0.get().is_some() {
            return Poll::Ready(());
        }
        let timeout = match status {
            WorkerStatus::Idle => Some(self.reuse.idle_timeout),
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.reuse.request_timeout,
        };
        let Some(deadline) = timeout.and_then(|timeout| start.checked_add(timeout)) else { return Poll::Pending };
        match &mut self.sleep {
            Some((until, _)) if *until == deadline => {}
            Some((until, sleep)) => {
                *until = deadline;
                sleep.as_mut().reset(deadline.into());
            }
            None => self.sleep = Some((deadline, Box::pin(tokio::time::sleep_until(deadline.into())))),
        }
        match &mut self.sleep {
            Some((_, sleep)) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

/// Says which requests an instance takes, and sees it end.
pub(crate) struct Worker {
    around: Arc<Surroundings>,
    reuse: Reuse,
    started: std::sync::atomic::AtomicUsize,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = ();

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.reuse.max_requests {
            ShouldAccept::Never
        } else if concurrent >= self.reuse.max_concurrent_requests {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        let started = self.started.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        if self.around.host.faults.kill_instance_after == Some(started) {
            self.around
                .kill
                .pull(format!("killed while it served its request number {started}, as the fault asks for"));
        }
        match self.reuse.request_timeout {
            Some(timeout) => Box::pin(sleep(timeout)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn drop(&self, store: Store<Guest>, result: Result<(), wasmtime::Error>) {
        let killed = self.around.kill.0.get();
        match (killed, result) {
            (_, Ok(())) => {}
            (Some(reason), Err(_)) => eprintln!("worker failed: {reason}"),
            (None, Err(error)) => {
                eprintln!("worker failed: {error:?}");
                let component = &self.around.component;
                let last_words = component.logs.stderr.tail();
                self.around.host.strict.report(&component.id, &format!("{}\n{last_words}", error.root_cause()));
            }
        }
        drop(store);
    }
}
