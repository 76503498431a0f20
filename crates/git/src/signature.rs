//! The author of a commit and its time, from its headers.

use gitmind_ports::clock::Timestamp;

/// The author of a commit, borrowed from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// `NAME <ADDRESS>`, which can be any bytes.
    pub person: &'a [u8],
    /// The time of the commit.
    pub time: Timestamp,
}

impl<'a> Signature<'a> {
    /// Parses what follows the word `author` in a commit's header.
    ///
    /// ```
    /// use gitmind_git::Signature;
    /// let author = Signature::parse(b"A U Thor <author@example.org> 1700000000 -0330");
    /// let author = author.expect("it is well formed");
    /// assert_eq!(author.address_or_name(), b"author@example.org");
    /// assert_eq!(author.time.offset_seconds, -(3 * 60 + 30) * 60);
    /// assert_eq!(Signature::parse(b"A U Thor"), None);
    /// ```
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let end = memchr::memrchr(b'>', line)?;
        let (person, rest) = (&line[..=end], str::from_utf8(&line[end + 1..]).ok()?);
        let (seconds, offset) = rest.trim_ascii().split_once(' ')?;
        let (sign, digits) = match offset.as_bytes().split_first()? {
            (b'+', digits) => (1, digits),
            (b'-', digits) => (-1, digits),
            _ => return None,
        };
        let [a, b, c, d] = digits.try_into().ok()?;
        let number = |tens: u8, ones: u8| {
            let is_number = tens.is_ascii_digit() && ones.is_ascii_digit();
            is_number.then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
        };
        let offset_seconds = sign * (number(a, b)? * 60 + number(c, d)?) * 60;
        let time = Timestamp { seconds: seconds.parse().ok()?, offset_seconds };
        Some(Self { person, time })
    }

    /// The address; the name when the address is empty.
    pub fn address_or_name(&self) -> &'a [u8] {
        let start = memchr::memrchr(b'<', self.person);
        let (name, address) = match start {
            Some(start) => (&self.person[..start], &self.person[start + 1..self.person.len() - 1]),
            None => (&self.person[..self.person.len() - 1], &[][..]),
        };
        if address.is_empty() { name.trim_ascii() } else { address }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stands_for_an_empty_address() {
        for (line, expected) in [
            ("A <a@b> 1 +0000", "a@b"),
            ("A B <> 1 +0000", "A B"),
            ("<> 1 +0000", ""),
            ("A> 1 +0000", "A"),
            ("A <b> <c> -1 +9959", "c"),
        ] {
            let signature = Signature::parse(line.as_bytes()).expect(line);
            assert_eq!(signature.address_or_name(), expected.as_bytes(), "{line}");
        }
    }

    #[test]
    fn a_malformed_line_is_no_signature() {
        for line in
            ["", ">", "A <a@b>", "A <a@b> 1", "A <a@b> 1 0000", "A <a@b> 1 +00", "> x +0000"]
        {
            assert_eq!(Signature::parse(line.as_bytes()), None, "{line}");
        }
    }
}
