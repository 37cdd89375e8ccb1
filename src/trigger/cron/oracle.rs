//! Fixed times against croner, in every zone of the database.
//!
//! Only single hours and minutes are compared: croner takes a list such as `0,1` for an interval,
//! and runs it in both passes of a fold; here it names fixed times.

use chrono::{DateTime, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, Offset, TimeZone as ChronoZone};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::trigger::cron::Schedule;

/// A zone of jiff's database for chrono, so that both sides know the same rules.
#[derive(Clone, Debug)]
struct Zone(TimeZone);

#[derive(Clone, Debug)]
struct ZoneOffset(TimeZone, FixedOffset);

impl Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        self.1
    }
}

impl Zone {
    fn offset(&self, offset: jiff::tz::Offset) -> ZoneOffset {
        ZoneOffset(self.0.clone(), FixedOffset::east_opt(offset.seconds()).unwrap())
    }
}

impl ChronoZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Self {
        Self(offset.0.clone())
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<ZoneOffset> {
        self.offset_from_local_datetime(&local.and_hms_opt(0, 0, 0).unwrap())
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<ZoneOffset> {
        let civil = jiff::tz::Offset::UTC.to_datetime(Timestamp::from_second(local.and_utc().timestamp()).unwrap());
        match self.0.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => MappedLocalTime::Single(self.offset(offset)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
            AmbiguousOffset::Fold { before, after } => {
                MappedLocalTime::Ambiguous(self.offset(before), self.offset(after))
            }
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.offset_from_utc_datetime(&utc.and_hms_opt(0, 0, 0).unwrap())
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        self.offset(self.0.to_offset(Timestamp::from_second(utc.and_utc().timestamp()).unwrap()))
    }
}

#[test]
fn fixed_times_are_those_of_croner_in_every_zone() {
    let mut wrong = Vec::new();
    let mut zones = 0;
    for name in jiff::tz::db().available() {
        let Ok(zone) = TimeZone::get(name.as_str()) else { continue };
        zones += 1;
        for expression in ["30 2 * * *", "45 1 * * 0"] {
            let start = zone.to_timestamp(date(2024, 1, 1).at(12, 0, 0, 0)).unwrap();
            let end = zone.to_timestamp(date(2026, 12, 31).at(12, 0, 0, 0)).unwrap();
            let ours: Vec<i64> = Schedule::parse(expression, zone.clone())
                .unwrap()
                .due_between(start, end)
                .map(|due| due.at.as_second())
                .collect();
            let from = DateTime::from_timestamp(start.as_second(), 0).unwrap().with_timezone(&Zone(zone.clone()));
            let theirs: Vec<i64> = expression
                .parse::<croner::Cron>()
                .unwrap()
                .iter_after(from)
                .map(|time| time.timestamp())
                .take_while(|at| *at <= end.as_second())
                .collect();
            if ours != theirs {
                let show = |list: &[i64], other: &[i64]| {
                    list.iter()
                        .filter(|at| !other.contains(at))
                        .map(|at| Timestamp::from_second(*at).unwrap().to_string())
                        .collect::<Vec<_>>()
                };
                let (mine, its) = (show(&ours, &theirs), show(&theirs, &ours));
                wrong.push(format!("{} {expression}: ours {mine:?}, croner {its:?}", name.as_str()));
            }
        }
    }
    assert!(zones > 400, "{zones}");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
