//! On whose behalf work is done, under which names, and until when: what every capability and every chained call takes.

use std::time::Duration;

use ids::{CorrelationId, Timestamp, TraceContext, UserId, WorkspaceId};

use crate::Host;

/// A call of the application, on its way from the door to whatever carries it out, through as many components as that takes.
///
/// `edge` makes it of a request, [`Peer`](crate::Peer) passes it on to another component, and whoever works without a request
/// begins one with [`Host::begin_call`]. Cloning it is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The workspace that the work is done in, and that pays for it.
    pub workspace: WorkspaceId,
    /// Who wants it; none where nobody is signed in.
    pub user: Option<UserId>,
    /// What names the request in logs and problems, in every component.
    pub correlation_id: CorrelationId,
    /// The trace that the work belongs to, and the span that calls.
    pub traceparent: TraceContext,
    /// When nobody waits for the outcome any more, on this host's clock.
    pub deadline: Timestamp,
}

impl Call {
    /// How long there is to work at `now`; zero where the deadline has passed.
    pub fn remaining(&self, now: Timestamp) -> Duration {
        self.deadline.since(now)
    }
}

impl Host {
    /// A call that no request began, as the work of an engine or of a schedule is, for `workspace`, over after `limit`.
    pub fn begin_call(&self, workspace: WorkspaceId, user: Option<UserId>, limit: Duration) -> Call {
        let (correlation_id, traceparent) = fresh_names(&*self.random);
        Call { workspace, user, correlation_id, traceparent, deadline: self.now() + limit }
    }
}

/// Names for a request that brought none.
pub fn fresh_names(random: &dyn crate::Random) -> (CorrelationId, TraceContext) {
    let mut fresh = [0; 40];
    random.fill(&mut fresh);
    let (mut request, mut trace, mut span) = ([0; 16], [0; 16], [0; 8]);
    request.copy_from_slice(&fresh[..16]);
    trace.copy_from_slice(&fresh[16..32]);
    span.copy_from_slice(&fresh[32..]);
    (CorrelationId::new(request), TraceContext::new(trace, span))
}
