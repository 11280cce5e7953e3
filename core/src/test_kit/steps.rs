//! What can be stepped, and running it in a seeded order until it is quiet.

use std::error::Error;
use std::fmt;

use super::schedule::Schedule;
use super::split_mix::SplitMix64;

/// Several things that are stepped by name, one step at a time.
///
/// # Laws
/// A step that says no has changed nothing that another step could see; but for that, which names there
/// are and what each does may change with every step.
pub trait Stepped {
    /// The names of what can be stepped now: not empty, without commas and blanks, each one once.
    fn names(&self) -> Vec<String>;

    /// Makes one step of what has this name. Whether it did anything; `None` if nothing has that name.
    fn step_named(&mut self, name: &str) -> Option<bool>;
}

impl<S: Stepped + ?Sized> Stepped for &mut S {
    fn names(&self) -> Vec<String> {
        (**self).names()
    }
    fn step_named(&mut self, name: &str) -> Option<bool> {
        (**self).step_named(name)
    }
}

/// How many steps [`run_seeded`] makes before it says that there will be no end.
const PATIENCE: usize = 100_000;

/// Steps whatever `seed` chooses, until no step does anything; gives the choices that were made. Equal
/// seeds make equal choices, as long as the code that is stepped behaves equally.
///
/// # Errors
/// [`NeverQuiet`] after 100,000 steps that did something.
pub fn run_seeded(
    stepped: &mut (impl Stepped + ?Sized),
    seed: u64,
) -> Result<Schedule, NeverQuiet> {
    let mut random = SplitMix64::new(seed);
    let mut made = Vec::new();
    // Those that did nothing since the last step that did something.
    let mut quiet: Vec<String> = Vec::new();
    loop {
        let mut choices = stepped.names();
        choices.retain(|name| !quiet.contains(name));
        if choices.is_empty() {
            return Ok(Schedule::of(made));
        }
        let name = choices.swap_remove(random.below(choices.len()));
        if stepped.step_named(&name) == Some(true) {
            made.push(name);
            quiet.clear();
            if made.len() >= PATIENCE {
                return Err(NeverQuiet(Schedule::of(made)));
            }
        } else {
            quiet.push(name);
        }
    }
}

/// There was always one more step that did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeverQuiet(Schedule);

impl NeverQuiet {
    /// The steps that were made.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.0
    }
}

impl fmt::Display for NeverQuiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not quiet after {PATIENCE} steps")
    }
}

impl Error for NeverQuiet {}

/// A list of what can be stepped: closures with names, each of which says whether it did anything, and
/// whole [`Stepped`]s.
///
/// ```
/// use brigade::test_kit::{SteppedTeam, Steps};
///
/// # brigade::primitives::example(|| {
/// let mut team = SteppedTeam::new(1);
/// let mut tasks = vec!["one", "two"];
/// let users = team.team().clone();
/// let mut steps = Steps::new();
/// steps.with(&mut team);
/// steps
///     .add("user", move || match tasks.pop() {
///         Some(task) => users.execute(move || println!("{task}")).is_ok(),
///         None => false,
///     })
///     .unwrap();
/// // An event loop would be one more: `steps.add("loop", || event_loop.step().ran())`.
/// let schedule = steps.run_seeded(7).unwrap();
/// println!("{schedule}"); // `user,c,user,0,c,c,0,c`
/// # });
/// ```
#[derive(Default)]
pub struct Steps<'a> {
    parts: Vec<Box<dyn Stepped + 'a>>,
}

impl<'a> Steps<'a> {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step, which says whether it did anything.
    ///
    /// # Errors
    /// [`BadName`], if a schedule could not tell this name, or something here has it.
    pub fn add(
        &mut self,
        name: &str,
        step: impl FnMut() -> bool + 'a,
    ) -> Result<&mut Self, BadName> {
        let unfit = |c: char| c == ',' || c.is_whitespace();
        if name.is_empty() || name.contains(unfit) || self.names().iter().any(|it| it == name) {
            return Err(BadName(name.to_owned()));
        }
        let name = name.to_owned();
        self.parts.push(Box::new(Named { name, step }));
        Ok(self)
    }

    /// Adds all that can be stepped in `part`. Where a name stands twice, the part added first has it.
    pub fn with(&mut self, part: impl Stepped + 'a) -> &mut Self {
        self.parts.push(Box::new(part));
        self
    }

    /// [`run_seeded`].
    ///
    /// # Errors
    /// [`NeverQuiet`].
    pub fn run_seeded(&mut self, seed: u64) -> Result<Schedule, NeverQuiet> {
        run_seeded(self, seed)
    }
}

impl Stepped for Steps<'_> {
    fn names(&self) -> Vec<String> {
        let mut all = Vec::new();
        for name in self.parts.iter().flat_map(|part| part.names()) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        all
    }

    fn step_named(&mut self, name: &str) -> Option<bool> {
        self.parts.iter_mut().find_map(|part| part.step_named(name))
    }
}

impl fmt::Debug for Steps<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Steps").field(&self.names()).finish()
    }
}

struct Named<F> {
    name: String,
    step: F,
}

impl<F: FnMut() -> bool> Stepped for Named<F> {
    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
    fn step_named(&mut self, name: &str) -> Option<bool> {
        (name == self.name).then(|| (self.step)())
    }
}

/// A name that is empty, has a comma or a blank in it, or was there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadName(String);

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} cannot be the name of a step", self.0)
    }
}

impl Error for BadName {}
