//! Upgrades on their way to JavaScript.

use std::net::IpAddr;

use napi::bindgen_prelude::Either;

use crate::broadcaster::Broadcaster;
use crate::door::UpgradeRequest;

use super::events::CoreEvent;

/// What JavaScript was told so far, and need not be told again.
#[derive(Default)]
pub(super) struct Told {
    address: Option<IpAddr>,
}

/// A number or a text of an upgrade.
pub type Part = Either<u32, Option<String>>;

/// Numbers and texts of an upgrade.
const PARTS: usize = 6;

impl Told {
    /// Adds an upgrade to the events: to the last, if that is upgrades too. An object of its own
    /// for each, with names for its parts, would take twice the time.
    pub(super) fn add(
        &mut self,
        request: UpgradeRequest,
        events: &mut Vec<CoreEvent>,
        broadcaster: &mut Broadcaster,
    ) {
        let head = request.head;
        if let Some(text) = head.news {
            events.push(CoreEvent::Head { number: head.number, head: text });
        }
        let (ip, port) = (request.peer.ip(), request.peer.port());
        let address = (self.address.replace(ip) != Some(ip)).then(|| ip.to_string());
        broadcaster.keep_ask(request.id, request.compression, request.pending);
        let parts: [Part; PARTS] = [
            Either::A(request.id),
            Either::B(Some(request.uri)),
            Either::A(head.number),
            Either::B(Some(head.own)),
            Either::B(address),
            Either::A(u32::from(port)),
        ];
        match events.last_mut() {
            Some(CoreEvent::Upgrades { parts: upgrades }) => upgrades.extend(parts),
            _ => events.push(CoreEvent::Upgrades { parts: parts.into() }),
        }
    }
}
