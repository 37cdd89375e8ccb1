//! One field of a cron expression: the set of numbers that it allows, and how it was written.

/// What a field may hold, and its name in messages.
#[derive(Debug)]
pub(super) struct Unit {
    /// The name that messages use.
    pub(super) name: &'static str,
    /// The least number.
    pub(super) least: u8,
    /// The greatest number that may be written.
    pub(super) most: u8,
    /// Names for the numbers from `least` on.
    names: &'static [&'static str],
}

pub(super) const SECOND: Unit = Unit { name: "second", least: 0, most: 59, names: &[] };
pub(super) const MINUTE: Unit = Unit { name: "minute", least: 0, most: 59, names: &[] };
pub(super) const HOUR: Unit = Unit { name: "hour", least: 0, most: 23, names: &[] };
pub(super) const DAY: Unit = Unit { name: "day of month", least: 1, most: 31, names: &[] };
pub(super) const MONTH: Unit = Unit {
    name: "month",
    least: 1,
    most: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// Sunday is 0, and 7 too.
pub(super) const WEEKDAY: Unit =
    Unit { name: "day of week", least: 0, most: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

/// The numbers of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    bits: u64,
    /// Whether it begins with `*`: such a day field restricts nothing (`*/2` too, as in Vixie cron).
    pub(super) star: bool,
    /// Whether it has a `*` or a step: such an hour or minute makes an interval time.
    pub(super) interval: bool,
}

impl Field {
    /// Reads a field.
    ///
    /// # Errors
    /// What is wrong, and the cure.
    pub(super) fn parse(text: &str, unit: &Unit) -> Result<Self, (String, String)> {
        let mut field =
            Self { bits: 0, star: text.starts_with('*'), interval: text.contains('*') || text.contains('/') };
        for part in text.split(',') {
            field.bits |= part_bits(part, unit)?;
        }
        // 7 is Sunday as well, and the set holds Sunday once.
        if unit.most == 7 && field.bits & (1 << 7) != 0 {
            field.bits = (field.bits & !(1 << 7)) | 1;
        }
        Ok(field)
    }

    /// The numbers, in order.
    pub(super) fn numbers(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |number| self.bits & (1 << number) != 0)
    }
}

fn part_bits(part: &str, unit: &Unit) -> Result<u64, (String, String)> {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step_size(part, step, unit)?)),
        None => (part, None),
    };
    let (from, to) = if range == "*" {
        // Day 7 is day 0 again: it must not take part in the steps of a whole week.
        (unit.least, if unit.most == 7 { 6 } else { unit.most })
    } else if let Some((from, to)) = range.split_once('-') {
        let from_number = number(from, unit)?;
        let mut to_number = number(to, unit)?;
        if unit.most == 7 && to_number == 0 && from_number > 0 {
            to_number = 7;
        }
        if from_number > to_number {
            let cure = format!("write it as '{from}-{},{}-{to}'", unit.most, unit.least);
            return Err((format!("the range '{range}' runs backwards"), cure));
        }
        (from_number, to_number)
    } else {
        let only = number(range, unit)?;
        if step.is_some() {
            let cure = format!("write '{range}-{}/{}'", unit.most, step.unwrap_or(1));
            return Err((format!("'{part}' has a step but no range"), cure));
        }
        (only, only)
    };
    Ok((from..=to).step_by(usize::from(step.unwrap_or(1))).fold(0, |bits, number| bits | 1 << number))
}

fn step_size(part: &str, step: &str, unit: &Unit) -> Result<u8, (String, String)> {
    let size = step.parse::<u8>().ok().filter(|_| step.bytes().all(|byte| byte.is_ascii_digit()));
    size.filter(|size| (1..=unit.most).contains(size)).ok_or_else(|| {
        (format!("the step of '{part}' is not possible"), format!("write a number from 1 to {} after the /", unit.most))
    })
}

fn number(text: &str, unit: &Unit) -> Result<u8, (String, String)> {
    if let Some(index) = unit.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(unit.least + index as u8);
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(number) = text.parse().ok().filter(|number| digits && (unit.least..=unit.most).contains(number)) {
        return Ok(number);
    }
    let upper = text.to_ascii_uppercase();
    let cure = if text == "?" {
        "write * for 'any'".to_owned()
    } else if upper.contains('#') {
        "an n-th weekday is not known to cron: run on that weekday, and let the playbook look at the date".to_owned()
    } else if unit.names.is_empty() && upper.ends_with('W') {
        "a nearest weekday is not known to cron: run on several days, and let the playbook look at the date".to_owned()
    } else if upper.ends_with('L') || upper.starts_with("L-") {
        "a last day is not known to cron: run on 28-31, and let the playbook look at the date".to_owned()
    } else if unit.names.is_empty() {
        format!("write numbers from {} to {}, as in 1,5 or 1-5 or */2", unit.least, unit.most)
    } else {
        let names = unit.names.join(", ");
        format!("write numbers from {} to {} or {names}", unit.least, unit.most)
    };
    Err((format!("'{text}' is not possible here"), cure))
}
