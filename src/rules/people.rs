//! Lists of callers in files: a number in each row, alone or in a column of a table.

use crate::model::phone::E164;

/// Largest list in bytes: a hundred thousand customers with their names.
pub const LARGEST: usize = 5 << 20;

/// After so many faults the rest of the file is not worth telling.
const MOST_FAULTS: usize = 50;

/// Names of columns that hold the number, in lowercase.
const HEADERS: [&str; 9] =
    ["number", "phone", "phone number", "phone_number", "telephone", "tel", "mobile", "e164", "caller"];

/// What is wrong with one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleFault {
    /// The line of the file, from 1.
    pub line: u32,
    /// One lowercase sentence without a final period.
    pub message: String,
    /// A way out.
    pub help: Option<String>,
}

impl PeopleFault {
    fn new(line: u32, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { line, message: message.into(), help: Some(help.into()) }
    }
}

/// Reads the numbers of a list, sorted and each once; a row that opens with `#` is a remark.
pub fn read(bytes: &[u8]) -> Result<Vec<E164>, Vec<PeopleFault>> {
    if bytes.len() > LARGEST {
        let message = format!("the list has {} bytes, and at most {LARGEST} are read", bytes.len());
        return Err(vec![PeopleFault::new(1, message, "match large groups by `prefixes`")]);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        vec![PeopleFault::new(line, "the list is not UTF-8 text", "save it as UTF-8")]
    })?;
    let mut numbers = Vec::new();
    let mut faults = Vec::new();
    let mut column = None;
    for row in rows(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        let Some(column) = column else {
            let (chosen, header) = choose_column(&row);
            column = Some(chosen);
            if !header {
                take(&row, chosen, &mut numbers, &mut faults);
            }
            continue;
        };
        take(&row, column, &mut numbers, &mut faults);
        if faults.len() >= MOST_FAULTS {
            break;
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// The column of the numbers, and whether this first row only names the columns.
fn choose_column(row: &Row) -> (usize, bool) {
    let named = row.fields.iter().position(|field| HEADERS.contains(&field.to_lowercase().as_str()));
    let digits = row.fields.iter().any(|field| field.bytes().filter(u8::is_ascii_digit).count() >= 5);
    match named {
        Some(column) if !digits => (column, true),
        Some(_) | None => (row.fields.iter().position(|field| field.starts_with('+')).unwrap_or(0), false),
    }
}

fn take(row: &Row, column: usize, numbers: &mut Vec<E164>, faults: &mut Vec<PeopleFault>) {
    let written = row.fields.get(column).map_or("", String::as_str);
    match E164::parse(written) {
        Ok(number) => numbers.push(number),
        Err(error) => {
            let plain: String = written.chars().filter(|sign| !" ()-./\u{a0}'".contains(*sign)).collect();
            let help = E164::parse(&plain).ok().map(|number| format!("write `{number}`"));
            let shown: String = written.chars().take(40).collect();
            let message = format!("`{shown}` is not a phone number: {error}");
            faults.push(PeopleFault { line: row.line, message, help });
        }
    }
}

/// One row of a table.
#[derive(Debug)]
struct Row {
    line: u32,
    fields: Vec<String>,
}

/// The rows that are neither empty nor remarks. Commas, semicolons and tabs divide fields; quotes hold them together.
fn rows(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = Row { line: 1, fields: Vec::new() };
    let (mut field, mut quoted, mut line) = (String::new(), false, 1_u32);
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        line += u32::from(sign == '\n');
        match sign {
            '"' if quoted && signs.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted || field.trim().is_empty() => quoted = !quoted,
            '#' if !quoted && row.fields.is_empty() && field.trim().is_empty() => {
                while signs.next_if(|next| *next != '\n').is_some() {}
            }
            ',' | ';' | '\t' if !quoted => row.fields.push(std::mem::take(&mut field).trim().to_owned()),
            '\n' if !quoted => {
                close(&mut rows, &mut row, &mut field);
                row.line = line;
            }
            _ => field.push(sign),
        }
    }
    close(&mut rows, &mut row, &mut field);
    rows
}

fn close(rows: &mut Vec<Row>, row: &mut Row, field: &mut String) {
    row.fields.push(std::mem::take(field).trim().to_owned());
    let fields = std::mem::take(&mut row.fields);
    if fields.iter().any(|field| !field.is_empty()) {
        rows.push(Row { line: row.line, fields });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<String> {
        read(text.as_bytes()).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_list_may_be_plain_or_a_table() {
        let wanted = ["+13125550101", "+16195550100"];
        for text in [
            "+16195550100\n+13125550101\n",
            "# regulars\r\n+16195550100 \r\n\r\n  +13125550101\r\n+13125550101",
            "name,number\nAnn,+16195550100\n\"Bo, Ltd\",+13125550101\n",
            "Name;Phone Number;Since\n\"Ann \"\"A\"\" Ash\";+16195550100;2019\nBo;\"+13125550101\";\n",
            "\u{feff}number\n+16195550100\n+13125550101\n",
            "Ann\t+16195550100\nBo\t+13125550101\n",
            "+16195550100,\"two\nlines\"\n+13125550101,x\n",
        ] {
            assert_eq!(numbers(text), wanted, "{text}");
        }
        assert_eq!(numbers(""), Vec::<String>::new());
        assert_eq!(numbers("number\n"), Vec::<String>::new());
    }

    #[test]
    fn every_bad_row_is_told_with_its_line() {
        let faults = read(b"name,number\nAnn,+16195550100\nBo,(619) 555-0101\nCy,+1 (312) 555-0102\nDi\n").unwrap_err();
        let lines: Vec<u32> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [3, 4, 5]);
        assert!(faults[0].message.starts_with("`(619) 555-0101` is not a phone number"), "{}", faults[0].message);
        assert_eq!(faults[1].help.as_deref(), Some("write `+13125550102`"));
    }

    #[test]
    fn nonsense_is_refused_in_bounded_time() {
        assert_eq!(read(&[0xff, 0xfe, 0x2b, 0x00]).unwrap_err()[0].line, 1);
        assert!(read(&vec![b'+'; LARGEST + 1]).is_err());
        assert_eq!(read("x\n".repeat(1000).as_bytes()).unwrap_err().len(), MOST_FAULTS);
        assert_eq!(read(b"\"never closed\n+16195550100\n").unwrap_err().len(), 1);
    }
}
