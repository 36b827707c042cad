//! Memory for output: one budget for all processes, since it counts against the container's own limit. The oldest output
//! of all goes first.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::process::Process;

/// How much is kept, in bytes.
#[derive(Debug)]
struct Limits {
    /// Of output and screens.
    budget: u64,
    /// Above this even output goes that an attached client without a terminal lacks: it is told of the gap.
    most: u64,
    /// Of screens.
    screens: u64,
}

const LIMITS: Limits = Limits { budget: 64 * 1024 * 1024, most: 80 * 1024 * 1024, screens: 24 * 1024 * 1024 };

/// What is kept.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    kept: Cell<u64>,
    screens: Cell<u64>,
    /// Rises with each piece of output: which is older.
    stamp: Cell<u64>,
    /// There is more than there should be, and nothing that may go.
    tight: Cell<bool>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(LIMITS)
    }
}

impl Budget {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            kept: Cell::new(0),
            screens: Cell::new(0),
            stamp: Cell::new(0),
            tight: Cell::new(false),
        }
    }

    /// The next stamp.
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp.set(self.stamp.get() + 1);
        self.stamp.get()
    }

    /// Whether processes without a terminal must not run far ahead of their clients.
    pub(crate) fn is_tight(&self) -> bool {
        self.tight.get()
    }

    /// Whether there is room for one more screen.
    pub(crate) fn has_room_for_screen(&self) -> bool {
        self.screens.get() < self.limits.screens
    }

    /// Changes the output of `process` and counts what that changes.
    pub(crate) fn account<T>(
        &self,
        process: &Process,
        change: impl FnOnce(&mut crate::output::Output) -> T,
    ) -> T {
        let mut output = process.output.borrow_mut();
        let before = (output.cost(), output.cost_of_screen());
        let done = change(&mut output);
        let after = (output.cost(), output.cost_of_screen());
        self.kept.set((self.kept.get() + after.0).saturating_sub(before.0));
        self.screens.set((self.screens.get() + after.1).saturating_sub(before.1));
        done
    }

    /// Lets go of the oldest output until all is within the budget. True when reading may go on that was held up.
    pub(crate) fn make_room(&self, processes: &BTreeMap<u64, Rc<Process>>) -> bool {
        while self.kept.get() > self.limits.budget {
            let all = self.kept.get() > self.limits.most;
            let oldest = processes
                .values()
                .filter_map(|process| Some((process.evictable(all)?.stamp, process)))
                .min_by_key(|(stamp, _)| *stamp);
            let Some((_, process)) = oldest else { break };
            let room = self.has_room_for_screen() && !all;
            self.account(process, |output| output.evict(room));
        }
        let was_tight = self.tight.replace(self.kept.get() > self.limits.budget);
        was_tight && !self.tight.get()
    }
}

#[cfg(test)]
mod tests {
    use gangplank_agent_protocol::message::{Size, Start};
    use gangplank_agent_protocol::output::Source;

    use super::*;
    use crate::outbox::Outbox;
    use crate::process::Handle;

    const PIECE: [u8; 16 * 1024] = [b'x'; 16 * 1024];
    const BUDGET: u64 = 4 * 1024 * 1024;
    const MOST: u64 = 5 * 1024 * 1024;
    const SCREENS: u64 = 1024 * 1024;

    fn budget() -> Budget {
        Budget::new(Limits { budget: BUDGET, most: MOST, screens: SCREENS })
    }

    fn table(count: u64, tty: bool) -> BTreeMap<u64, Rc<Process>> {
        let size = tty.then_some(Size { columns: 80, rows: 24 });
        let process = |number| {
            let start = Start { process: number, tty: size, ..Start::default() };
            (number, Rc::new(Process::new(start, i32::MAX, None, 0)))
        };
        (0..count).map(process).collect()
    }

    fn write(budget: &Budget, table: &BTreeMap<u64, Rc<Process>>, number: u64) -> bool {
        let (stamp, room) = (budget.stamp(), budget.has_room_for_screen());
        budget.account(&table[&number], |output| output.add(stamp, Source::Stdout, &PIECE, room));
        budget.make_room(table)
    }

    fn kept(table: &BTreeMap<u64, Rc<Process>>) -> u64 {
        table.values().map(|process| process.output.borrow().cost()).sum()
    }

    #[test]
    fn the_oldest_output_of_all_processes_goes_first() {
        let (budget, table) = (budget(), table(40, false));
        for _ in 0..20 {
            write(&budget, &table, 0);
        }
        for round in 1..20 {
            for number in 1..40 {
                write(&budget, &table, number);
                assert!(kept(&table) <= BUDGET, "round {round}");
            }
        }
        assert_eq!(budget.kept.get(), kept(&table));
        assert_eq!(table[&0].output.borrow().log.cost(), 0, "the oldest is gone");
        let costs: Vec<u64> = (1..40).map(|number| table[&number].output.borrow().cost()).collect();
        assert!(costs.iter().max().unwrap() - costs.iter().min().unwrap() <= 2 * 17 * 1024, "{costs:?}");
        assert!(!budget.is_tight());
    }

    #[test]
    fn what_an_attached_client_lacks_stays_until_it_is_far_too_much() {
        let (budget, table) = (budget(), table(10, false));
        for number in 0..10 {
            let handle = Handle { bridge: 0, attachment: 0 };
            table[&number].attach(handle, Rc::new(Outbox::new(0)), 0);
        }
        let mut number = 0;
        while kept(&table) <= BUDGET {
            write(&budget, &table, number % 10);
            number += 1;
        }
        assert!(budget.is_tight());
        assert!(table.values().all(|process| process.output.borrow().log.start() == 0));
        assert!(!table[&0].may_read(true) && table[&0].may_read(false));
        // Acknowledged, it may go, and all may read again.
        table.values().for_each(|process| process.acknowledge(Handle { bridge: 0, attachment: 0 }, 1 << 17));
        assert!(budget.make_room(&table));
        assert!(!budget.is_tight() && kept(&table) <= BUDGET);
        for _ in 0..40 * 16 {
            number += 1;
            write(&budget, &table, number % 10);
            assert!(kept(&table) <= MOST + 17 * 1024);
        }
    }

    #[test]
    fn screens_count_and_there_are_no_more_than_there_is_room_for() {
        let (budget, table) = (budget(), table(12, true));
        for number in 0..12 {
            for _ in 0..70 {
                write(&budget, &table, number);
            }
        }
        assert!(kept(&table) <= BUDGET, "{}", kept(&table));
        assert_eq!(budget.kept.get(), kept(&table));
        assert!(budget.screens.get() > 0 && budget.screens.get() < SCREENS + 1024 * 1024);
    }
}
