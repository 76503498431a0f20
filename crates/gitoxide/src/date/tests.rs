//! Dates mean what they mean to git, which is asked in the same run.

use super::*;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

/// Dates in the form `seconds offset`, as git and as this program read them.
fn both(date: &[u8], zone: &str) -> [Option<String>; 2] {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(now.expect("after 1970").as_secs()).expect("before 2100");
    let ours = parse(date, &Zone::of(Some(zone.into())), now).map(|time| {
        let sign = if time.offset_seconds < 0 { '-' } else { '+' };
        let minutes = time.offset_seconds.abs() / 60;
        format!("{} {sign}{:02}{:02}", time.seconds, minutes / 60, minutes % 60)
    });
    let mut git = Command::new("git");
    git.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH")).env("LC_ALL", "C");
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git.env("GIT_AUTHOR_DATE", OsStr::from_bytes(date)).env("TZ", zone);
    git.env("GIT_AUTHOR_NAME", "A").env("GIT_AUTHOR_EMAIL", "a@b");
    let ran = git.args(["var", "GIT_AUTHOR_IDENT"]).output().expect("git runs");
    let said = String::from_utf8_lossy(&ran.stdout).trim_end().to_owned();
    [ran.status.success().then(|| said["A <a@b> ".len()..].to_owned()), ours]
}

const ZONES: [&str; 7] = [
    "UTC0",
    "EST5EDT,M3.2.0,M11.1.0",
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "<+0545>-5:45",
    "AEST-10AEDT,M10.1.0,M4.1.0/3",
    "NZST-12NZDT,M9.5.0,M4.1.0/3",
    "XYZ-24",
];

/// Each is asked in each zone: with an offset, of the zone, left out or shown twice by the clocks,
/// and refused by git.
const DATES: &str = "\
    2005-04-07T22:13:13+02:00|2005-04-07T22:13:13-05:00|2005-04-07 22:13:13 +0530|\
    2005-04-07T22:13:13-0700|2005-04-07T22:13:13Z|2005-04-07T22:13:13z|\
    2005-04-07 22:13:13 UTC|2005-04-07 22:13:13 (CET)|2005-04-07 22:13:13 -0001|\
    2005-04-07 22:13:13 +2|2005-04-07 22:13:13 +02:5|2005-04-07 22:13:13 +2400|\
    Thu, 07 Apr 2005 22:13:13 +0200|Thu Apr  7 22:13:13 CEST 2005|@1112911993 +0200|\
    @1112911993+0200|1112911993 +02|1112911993 +02:00|1112911993 UTC|@0 +0000|\
    @4102444800 +0000|@99999999999 -0130|1112911993 -0700|@7 +0100|2005-04-07T22|\
    2005-04-07T2213|20050407T221313|20050407T221313.25|2005-04-07T9|04/07/2005 22:13:13|\
    07.04.2005 22:13:13|Thu Apr 7 22:13:13 2005|13/4/2005 1:2|7 Apr 2005 22:13:13|\
    April 7, 2005 22:13:13|2005/04/07 22:13:13|2005-4-7 2:3:4|10:13pm 7 Apr 2005|\
    12:13am 7 Apr 2005|2005-04-07 22:13:60|2005-04-07 24:00:00|2005-04-07 25:00|May 31, 1987|\
    2005-02-30 01:02:03|2004-02-30 01:02:03|2005-04-07 22:13:13.25|1112911993|@1112911993|\
    100000000|2005-31-12 1:00|7 Apr 05 1:00|7 Apr 99 1:00|1:00 4/7|2005-03-13 02:30:00|\
    2005-03-27 02:30:00|2005-10-30 02:30:00|2005-10-30 01:30:00|2005-10-02 02:30:00|\
    2005-04-03 02:30:00|2005-03-20 02:30:00|2005-11-06 01:30:00|@-1|-1|1969-12-31 23:59:59|\
    1970-01-01 00:00:00|1970-01-01 12:00:00 +1300|@0|@12345678|@99999999999|99999999999|\
    99999999999 2005|2100-01-01 00:00:00|2099-12-31 23:59:59|2099-12-31 23:59:59 -0100|\
    4102444800 +0000|4102444799 +0000|@18446744073709551615 +0000|9223372036854775807 +0000|\
    2005-04-07|yesterday|x|100|now|22:13:13|12/12/2098 1:00|1:00 12/12/2098|@ +0000|@1 +00000|\
    @1  +0000|@1112911993 0200|2005-04-07 22:13:13\n+0200|pm 7 Apr 2005 :00|\
    \u{e9} 7 Apr 2005 1:00";

/// What a date is made of.
const PARTS: [&str; 4] = [
    "|Thu |Thursday, |on ",
    "2005-04-07|2007-12-31|1970-01-01|1/2/03|31.12.99|Feb 29 2004|7 sept 2012|29 May|20080229|\
     2098-7-1|1230768000|5/13/2010|13-5-2010|May 31, 1987",
    "T22:13:13| 22:13|T07|T0713| 071359| 7:5:3 PM| 12:00am| 01:02:03.500",
    "|Z| +0200|-0330|+05:45| -08| EST| CEST| nzdt| 0800| +14:00| (MESZ)| idl| +02000| 2011| GMT+3",
];

#[test]
fn dates_are_those_of_git() {
    let fixed = DATES.split('|').flat_map(|date| ZONES.map(|zone| (date.to_owned(), zone)));
    let names = super::ZONES.iter().flat_map(|(_, names)| names.split(' '));
    let named = names.map(|name| (format!("2005-04-07 1:00 {name}"), "UTC0"));
    let mut random = SplitMix64::seed_from_u64(7);
    let mut draw = |count| usize::try_from(random.next_u32()).expect("64 bits") % count;
    let drawn: Vec<_> = (0..600)
        .map(|_| {
            let part = |parts: &'static str| {
                parts.split('|').nth(draw(parts.split('|').count())).expect("below the count")
            };
            (PARTS.map(part).concat(), ZONES[draw(ZONES.len())])
        })
        .collect();
    let (mut refused, mut differ) = (0, Vec::new());
    for (date, zone) in fixed.chain(named).chain(drawn) {
        let [git, ours] = both(date.as_bytes(), zone);
        refused += u32::from(git.is_none());
        if git != ours {
            differ.push(format!("{date:?} in {zone}: {git:?} in git, {ours:?} here"));
        }
    }
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
    assert!(refused > 100, "only {refused} are refused");
    let [git, ours] = both(b"\xff 2005-04-07 1:00 Z", "UTC0");
    assert_eq!(git, ours);
}
