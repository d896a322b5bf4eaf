//! Room for whole bodies: what all requests together may make the gateway hold.
//!
//! A body that is checked, kept or held back is in memory as a whole for a while. One body has a limit of its own, and many of them
//! have this one. Small bodies are not counted: every connection may hold as much of a body that only passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// Bytes of one body that are not counted.
const UNCOUNTED: usize = 64 << 10;

/// What is taken at once, so that a large body takes its room in few steps.
const STEP: u64 = 64 << 10;

/// The least room there is. A body of the largest size that the document allows has room several times over, however large.
const LEAST: u64 = 256 << 20;

/// How often the largest body has room at least.
const LARGEST: u64 = 4;

/// The room that is left.
#[derive(Debug)]
pub(crate) struct Room {
    free: AtomicU64,
}

impl Room {
    /// Room for bodies of which the largest has so many bytes.
    pub(crate) fn new(largest: u64) -> Arc<Room> {
        Room::of(largest.saturating_mul(LARGEST).max(LEAST))
    }

    /// So many bytes.
    pub(crate) fn of(bytes: u64) -> Arc<Room> {
        Arc::new(Room {
            free: AtomicU64::new(bytes),
        })
    }

    /// Bytes that are left.
    #[cfg(test)]
    pub(crate) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }

    /// Takes all that is left.
    #[cfg(test)]
    pub(crate) fn occupied(self: &Arc<Room>) -> Held {
        Held {
            room: Arc::clone(self),
            bytes: self.free.swap(0, Ordering::Relaxed),
        }
    }

    fn take(&self, bytes: u64) -> bool {
        let left = |free: u64| free.checked_sub(bytes);
        self.free
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .is_ok()
    }
}

/// The room that a body has; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    room: Arc<Room>,
    bytes: u64,
}

impl Held {
    /// Nothing yet.
    pub(super) fn none(room: &Arc<Room>) -> Held {
        Held {
            room: Arc::clone(room),
            bytes: 0,
        }
    }

    /// Takes room for a body of so many bytes by now; `false`: there is none.
    pub(super) fn reach(&mut self, length: usize) -> bool {
        let counted = length.saturating_sub(UNCOUNTED) as u64;
        if counted <= self.bytes {
            return true;
        }
        let more = (counted - self.bytes).next_multiple_of(STEP);
        let taken = self.room.take(more);
        if taken {
            self.bytes += more;
        }
        taken
    }

    /// Whether this is all the room that these bytes have.
    pub(super) fn is_owner(&self, bytes: &Bytes) -> bool {
        self.bytes > 0 || bytes.len() <= UNCOUNTED
    }

    /// The bytes, with their room until the last of them is dropped.
    pub(super) fn keep(self, bytes: Bytes) -> Bytes {
        match self.bytes {
            0 => bytes,
            _ => Bytes::from_owner(Kept { bytes, _held: self }),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.free.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

struct Kept {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_beyond_small_bodies_and_comes_back() {
        let room = Room::of(10 * STEP);
        let mut one = Held::none(&room);
        assert!(one.reach(UNCOUNTED));
        assert_eq!(room.free(), 10 * STEP);
        assert!(one.reach(UNCOUNTED + 1));
        assert!(one.reach(2 * UNCOUNTED));
        assert_eq!(room.free(), 9 * STEP);
        let mut other = Held::none(&room);
        assert!(other.reach(10 * UNCOUNTED));
        assert!(!one.reach(3 * UNCOUNTED));
        assert_eq!(room.free(), 0);
        let bytes = other.keep(Bytes::from(vec![1; 10 * UNCOUNTED]));
        let part = bytes.slice(5..6);
        drop(bytes);
        assert_eq!(room.free(), 0);
        drop(part);
        assert_eq!(room.free(), 9 * STEP);
        drop(one);
        assert_eq!(room.free(), 10 * STEP);
    }

    #[test]
    fn the_largest_body_has_room_several_times() {
        assert_eq!(Room::new(10 << 20).free(), LEAST);
        assert_eq!(Room::new(1 << 30).free(), 4 << 30);
        assert_eq!(Room::new(u64::MAX).free(), u64::MAX);
    }
}
