//! What an evaluation may cost.

/// Most functions evaluated for one document, repetitions counted.
pub(super) const MAX_STEPS: usize = 200_000;

/// Deepest nesting of functions, conditions that name each other counted.
pub(super) const MAX_DEPTH: usize = 100;

/// Most bytes of one text that is made: the longest thing that texts are made for is a template of a body.
pub(super) const MAX_TEXT: usize = 1024 * 1024;

/// Most bytes of text that are made for one document, intermediate ones counted.
pub(super) const MAX_MADE: usize = 64 * 1024 * 1024;

/// Most files that `AWS::Include` brings in.
pub(super) const MAX_INCLUDES: usize = 1000;

/// What has been spent.
#[derive(Debug, Default)]
pub(super) struct Budget {
    steps: usize,
    depth: usize,
    made: usize,
    includes: usize,
    /// Whether it was told that there is no more.
    pub(super) told: bool,
}

impl Budget {
    /// Takes a step inwards; `false`: there are none left.
    pub(super) fn enter(&mut self) -> bool {
        let room = self.steps < MAX_STEPS && self.depth < MAX_DEPTH;
        if room {
            self.steps += 1;
            self.depth += 1;
        }
        room
    }

    /// Goes back outwards.
    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Makes so many bytes of a text that has `length` then.
    pub(super) fn make(&mut self, bytes: usize, length: usize) -> bool {
        self.made = self.made.saturating_add(bytes);
        self.made <= MAX_MADE && length <= MAX_TEXT
    }

    /// Brings in a file.
    pub(super) fn include(&mut self) -> bool {
        self.includes += 1;
        self.includes <= MAX_INCLUDES
    }
}
