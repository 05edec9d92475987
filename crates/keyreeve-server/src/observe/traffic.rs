//! The gauges and counters of one listener. The gauges are also what its limits are checked against, so what a
//! dashboard shows and what the listener enforces cannot differ.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::listener::Refusal;

/// Connections, requests in flight and refusals of one listener. Cheap to clone; every method is one atomic operation.
#[derive(Clone, Debug)]
pub struct Traffic {
    connections: Gauge,
    in_flight: Gauge,
    /// One counter a [`Refusal`], in the order of [`Refusal::ALL`].
    refused: [Counter; Refusal::ALL.len()],
}

impl Traffic {
    /// Counters that no registry shows, for tests and for a listener of no interest.
    pub fn unobserved() -> Self {
        Self {
            connections: Gauge::default(),
            in_flight: Gauge::default(),
            refused: std::array::from_fn(|_| Counter::default()),
        }
    }

    /// Connections open now.
    pub fn connections(&self) -> i64 {
        self.connections.get()
    }

    /// Requests being read or answered now.
    pub fn in_flight(&self) -> i64 {
        self.in_flight.get()
    }

    /// How often this was the reason of a refusal.
    pub fn refused(&self, refusal: Refusal) -> u64 {
        self.refused.get(refusal as usize).map_or(0, Counter::get)
    }

    /// Counts a refusal.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        if let Some(counter) = self.refused.get(refusal as usize) {
            counter.inc();
        }
    }

    /// A place for a connection, if fewer than `limit` are taken.
    pub(crate) fn take_connection(&self, limit: usize) -> Option<Place> {
        Place::take(&self.connections, limit)
    }

    /// A place for a request, if fewer than `limit` are taken.
    pub(crate) fn take_request(&self, limit: usize) -> Option<Place> {
        Place::take(&self.in_flight, limit)
    }
}

/// One of a limited number of places, given back on drop.
#[derive(Debug)]
pub(crate) struct Place(Gauge);

impl Place {
    fn take(gauge: &Gauge, limit: usize) -> Option<Self> {
        let taken_before = gauge.inc();
        let place = Self(gauge.clone());
        usize::try_from(taken_before).is_ok_and(|taken| taken < limit).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The label of a listener: `api`, `admin`, `observe`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ListenerLabel {
    listener: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RefusalLabels {
    listener: &'static str,
    reason: &'static str,
}

/// The traffic of all listeners, as registered.
#[derive(Debug, Default)]
pub(super) struct TrafficFamilies {
    connections: Family<ListenerLabel, Gauge>,
    in_flight: Family<ListenerLabel, Gauge>,
    refused: Family<RefusalLabels, Counter>,
}

impl TrafficFamilies {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = Self::default();
        registry.register("connections", "Open connections", families.connections.clone());
        registry.register(
            "requests_in_flight",
            "Requests being read or answered",
            families.in_flight.clone(),
        );
        registry.register(
            "refused",
            "Requests and connections refused by a limit of the listener, by reason",
            families.refused.clone(),
        );
        families
    }

    pub(super) fn listener(&self, listener: &'static str) -> Traffic {
        let label = ListenerLabel { listener };
        Traffic {
            connections: self.connections.get_or_create_owned(&label),
            in_flight: self.in_flight.get_or_create_owned(&label),
            refused: Refusal::ALL.map(|refusal| {
                self.refused.get_or_create_owned(&RefusalLabels { listener, reason: refusal.label() })
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_given_back() {
        let traffic = Traffic::unobserved();
        let places = [traffic.take_request(2), traffic.take_request(2)];
        assert!(places.iter().all(Option::is_some));
        assert!(traffic.take_request(2).is_none());
        assert_eq!(traffic.in_flight(), 2);
        drop(places);
        assert_eq!(traffic.in_flight(), 0);
    }
}
