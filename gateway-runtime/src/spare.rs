//! Buffers that a thread uses again: the texts and lists of one message serve the next, so that an ordinary request allocates nothing.
//!
//! Invariant: what a thread keeps is bounded, in number and in size. A buffer that is dropped on another thread is kept there.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// Buffers of one kind that a thread keeps.
const KEPT: usize = 64;

/// A kind of buffer.
pub(crate) trait Reuse: Default + 'static {
    /// Room of a new one, in its own units; a smaller one is not worth keeping.
    const ROOM: usize;
    /// Room above which one is not kept.
    const MOST: usize;

    /// A new one.
    fn fresh() -> Self;
    /// How much it holds without growing.
    fn room(&self) -> usize;
    /// Takes everything out.
    fn clear(&mut self);
    /// What the thread keeps.
    fn kept() -> &'static LocalKey<RefCell<Vec<Self>>>;
}

/// A buffer from the thread's store; it goes back there. The default one has no room and costs nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Spare<T: Reuse>(T);

impl<T: Reuse> Spare<T> {
    /// An empty one, with room.
    pub(crate) fn taken() -> Spare<T> {
        let kept = T::kept().try_with(|kept| kept.borrow_mut().pop());
        Spare(kept.ok().flatten().unwrap_or_else(T::fresh))
    }

    /// One that is not from the store, for what is kept long.
    pub(crate) fn of(buffer: T) -> Spare<T> {
        Spare(buffer)
    }
}

impl<T: Reuse> Deref for Spare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Reuse> DerefMut for Spare<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Reuse> Drop for Spare<T> {
    fn drop(&mut self) {
        if !(T::ROOM..=T::MOST).contains(&self.0.room()) {
            return;
        }
        let mut buffer = std::mem::take(&mut self.0);
        // A thread that ends keeps nothing.
        let _ = T::kept().try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < KEPT {
                buffer.clear();
                kept.push(buffer);
            }
        });
    }
}

/// A kind of buffer, with its room when new and the most that is kept.
macro_rules! reuse {
    ($buffer:ty, $room:expr, $most:expr) => {
        impl $crate::spare::Reuse for $buffer {
            const ROOM: usize = $room;
            const MOST: usize = $most;

            fn fresh() -> Self {
                Self::with_capacity($room)
            }

            fn room(&self) -> usize {
                self.capacity()
            }

            fn clear(&mut self) {
                self.clear();
            }

            fn kept() -> &'static std::thread::LocalKey<std::cell::RefCell<Vec<Self>>> {
                thread_local! {
                    static KEPT: std::cell::RefCell<Vec<$buffer>> = const { std::cell::RefCell::new(Vec::new()) };
                }
                &KEPT
            }
        }
    };
}
pub(crate) use reuse;

// The head of nearly every message with what a gateway adds, or a small body.
reuse!(Vec<u8>, 2 * 1024, 16 * 1024);
// A path with its query.
reuse!(String, 256, 4 * 1024);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_empty() {
        let mut text = Spare::<Vec<u8>>::taken();
        text.extend_from_slice(b"abc");
        let place = text.as_ptr();
        drop(text);
        let again = Spare::<Vec<u8>>::taken();
        assert!(again.is_empty());
        assert_eq!(again.as_ptr(), place);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let many: Vec<_> = (0..2 * KEPT).map(|_| Spare::<String>::taken()).collect();
        drop(many);
        let large = Spare::of(String::with_capacity(String::MOST + 1));
        drop(large);
        drop(Spare::<String>::default());
        String::kept().with(|kept| {
            let kept = kept.borrow();
            assert_eq!(kept.len(), KEPT);
            assert!(kept.iter().all(|text| text.capacity() <= String::MOST));
        });
    }
}
