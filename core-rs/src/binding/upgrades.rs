//! Upgrades on their way to JavaScript.

use std::mem;
use std::net::IpAddr;
use std::sync::Arc;

use napi::bindgen_prelude::Either;

use crate::broadcaster::Broadcaster;
use crate::door::UpgradeRequest;

use super::constants::UPGRADE_PARTS;
use super::events::{CoreEvent, Part};

/// Upgrades in one event, and bytes of their heads. JavaScript looks at the clock behind each
/// event: it takes a millisecond for so many clients, or for heads of so many fields.
const MAX_UPGRADES: usize = 32;
const MAX_BYTES: usize = 64 * 1024;

/// Upgrades that follow each other and become one event. An object of its own for each, with names
/// for its parts, would take twice the time.
///
/// What several have in common crosses over once for all of them, and again with the next event:
/// an event that is lost takes nothing away from another.
#[derive(Default)]
pub(super) struct UpgradeRun {
    templates: Vec<Arc<str>>,
    /// The address of the last one.
    address: Option<IpAddr>,
    parts: Vec<Part>,
    /// Of the texts that cross over.
    bytes: usize,
}

impl UpgradeRun {
    /// Adds an upgrade, which `broadcaster` keeps until it is decided; returns how many bytes of
    /// text it has.
    pub(super) fn add(&mut self, request: UpgradeRequest, broadcaster: &mut Broadcaster) -> usize {
        let before = self.bytes;
        self.bytes += request.uri.len() + request.headers.own_values.len();
        let (ip, port) = (request.peer.ip(), request.peer.port());
        let address = (self.address.replace(ip) != Some(ip)).then(|| ip.to_string());
        let parts: [Part; UPGRADE_PARTS as usize] = [
            Either::A(request.id),
            Either::B(Some(request.uri)),
            Either::A(self.index_of(request.headers.template)),
            Either::B(Some(request.headers.own_values)),
            Either::B(address),
            Either::A(u32::from(port)),
        ];
        self.parts.extend(parts);
        broadcaster.keep_upgrade(request.id, request.form, request.responder);
        self.bytes - before
    }

    /// Whether it is to be ended, so that JavaScript gets to do other things.
    pub(super) fn is_full(&self) -> bool {
        self.parts.len() >= MAX_UPGRADES * UPGRADE_PARTS as usize || self.bytes >= MAX_BYTES
    }

    /// The place of a template among those of this event. Most are that of the client before.
    fn index_of(&mut self, template: Arc<str>) -> u32 {
        let known = self.templates.iter().rposition(|known| Arc::ptr_eq(known, &template));
        let index = known.unwrap_or_else(|| {
            self.bytes += template.len();
            self.templates.push(template);
            self.templates.len() - 1
        });
        index as u32
    }

    /// Ends the run: its event, if it holds any upgrade.
    pub(super) fn end(&mut self) -> Option<CoreEvent> {
        let UpgradeRun { templates, parts, .. } = mem::take(self);
        let templates: Vec<_> = templates.iter().map(|template| template.to_string()).collect();
        (!parts.is_empty()).then_some(CoreEvent::Upgrades { templates, parts })
    }
}
