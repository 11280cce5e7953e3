//! Notes, and how they are laid out: one column a thread, one row a note.

use std::fmt::Write as _;

/// What the threads of one execution noted, in order. `I` tells threads apart.
pub(super) struct Record<I> {
    lanes: Vec<(I, String)>,
    notes: Vec<(usize, String)>,
}

impl<I: PartialEq> Record<I> {
    /// Of an execution that this thread begins.
    pub(super) fn begun_by(main: I) -> Self {
        Self {
            lanes: vec![(main, "main".to_owned())],
            notes: Vec::new(),
        }
    }

    /// Whether this thread is one that has noted something, or that began the execution.
    #[cfg(not(any(feature = "loom", feature = "shuttle")))]
    pub(super) fn knows(&self, thread: &I) -> bool {
        self.lanes.iter().any(|(id, _)| id == thread)
    }

    pub(super) fn note(&mut self, thread: I, name: Option<&str>, note: &str) {
        let known = self.lanes.iter().position(|(id, _)| *id == thread);
        let lane = known.unwrap_or_else(|| {
            let name = self.name(name.unwrap_or("thread"));
            self.lanes.push((thread, name));
            self.lanes.len() - 1
        });
        // A note is one cell of a row.
        self.notes.push((lane, note.replace('\n', " ")));
    }

    /// `worker`, and for the second thread of that name `worker 2`.
    fn name(&self, name: &str) -> String {
        let used = |name: &str| self.lanes.iter().any(|(_, it)| it == name);
        let mut candidates = (2..).map(|number| format!("{name} {number}"));
        if used(name) {
            candidates.find(|it| !used(it)).unwrap_or_default()
        } else {
            name.to_owned()
        }
    }

    /// The notes as lanes; empty if there are none.
    pub(super) fn lanes(&self) -> String {
        let mut text = String::new();
        if self.notes.is_empty() {
            return text;
        }
        let width = |lane: usize| {
            let notes = self.notes.iter().filter(|(of, _)| *of == lane);
            let notes = notes.map(|(_, note)| note.chars().count());
            notes
                .chain([self.lanes[lane].1.chars().count()])
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<_> = (0..self.lanes.len()).map(width).collect();
        let mut row = |number: &str, cells: &dyn Fn(usize) -> String| {
            let mut line = format!("{number:>4}");
            for (lane, width) in widths.iter().enumerate() {
                // To write to a string cannot fail.
                let _ = write!(line, "  {:width$}", cells(lane));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        };
        row("", &|lane| self.lanes[lane].1.clone());
        row("", &|lane| "-".repeat(widths[lane]));
        for (number, (of, note)) in self.notes.iter().enumerate() {
            row(&(number + 1).to_string(), &|lane| {
                if lane == *of {
                    note.clone()
                } else {
                    String::new()
                }
            });
        }
        text
    }
}
