//! A sign-in and what came of it: one family of refresh tokens, on one device.

use std::net::IpAddr;

use ids::{SessionId, Timestamp, UserId, WorkspaceId};

/// What is known of the device that somebody signs in with. It is shown to the account's holder, and limits are counted by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// What it calls itself; at most 200 bytes.
    pub user_agent: Option<String>,
    /// Who opened the connection: the device, or the last proxy in front of us.
    pub address: Option<IpAddr>,
    /// Whom proxies say that they forward for, the last proxy's word last. Anybody can write the first ones.
    pub forwarded_for: Vec<IpAddr>,
}

impl Device {
    /// The device as it is seen when `proxies` proxies in front of us are believed.
    pub(crate) fn behind(mut self, proxies: usize) -> Self {
        if proxies > 0 && !self.forwarded_for.is_empty() {
            let place = self.forwarded_for.len().saturating_sub(proxies);
            self.address = self.forwarded_for.get(place).copied();
        }
        self
    }
}

/// A session that begins.
pub(crate) struct NewSession {
    pub(crate) id: SessionId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) user: UserId,
    pub(crate) device: Device,
    /// Of its first refresh token.
    pub(crate) token_hash: String,
    pub(crate) expires_at: Timestamp,
}

/// A session that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Names it.
    pub id: SessionId,
    /// What the device called itself when it signed in.
    pub user_agent: Option<String>,
    /// Where it signed in from.
    pub address: Option<String>,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When its refresh token was last exchanged.
    pub last_used_at: Timestamp,
    /// When it ends unless its refresh token is exchanged before.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_proxies_are_believed_as_there_are() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let device = Device {
            user_agent: None,
            address: Some(address("10.0.0.1")),
            forwarded_for: ["6.6.6.6", "192.0.2.7", "10.0.0.2"].map(address).to_vec(),
        };
        let seen = |proxies| device.clone().behind(proxies).address.unwrap().to_string();
        assert_eq!([0, 1, 2, 9].map(seen), ["10.0.0.1", "10.0.0.2", "192.0.2.7", "6.6.6.6"]);
        let direct = Device { forwarded_for: Vec::new(), ..device.clone() };
        assert_eq!(direct.behind(2).address, Some(address("10.0.0.1")));
    }
}
