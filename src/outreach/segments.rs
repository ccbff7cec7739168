//! How many parts a carrier makes of a text, which is what it is paid by.

/// What one part holds alone, and as one of several, in letters of the alphabet that phones have in common.
const PLAIN: (usize, usize) = (160, 153);

/// The same for any other letters, in units of UTF-16.
const ANY: (usize, usize) = (70, 67);

/// The letters that phones have in common (GSM 03.38).
const COMMON: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿\
                      abcdefghijklmnopqrstuvwxyzäöñüà";

/// Those that take the room of two.
const WIDE: &str = "\u{c}^{}\\[~]|€";

/// The parts of a text; at least one.
pub fn segments(text: &str) -> u32 {
    let common: Option<Vec<usize>> = text.chars().map(common).collect();
    let parts = match common {
        Some(sizes) => parts(&sizes, PLAIN),
        None => parts(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), ANY),
    };
    u32::try_from(parts).unwrap_or(u32::MAX)
}

/// The room that a letter takes; nothing for one that not all phones have.
fn common(letter: char) -> Option<usize> {
    match letter {
        letter if COMMON.contains(letter) => Some(1),
        letter if WIDE.contains(letter) => Some(2),
        _ => None,
    }
}

/// No letter is cut in two.
fn parts(sizes: &[usize], (alone, each): (usize, usize)) -> usize {
    if sizes.iter().sum::<usize>() <= alone {
        return 1;
    }
    let (mut parts, mut room) = (0, 0);
    for size in sizes {
        if *size > room {
            (parts, room) = (parts + 1, each);
        }
        room -= size;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_letters_fill_160_alone_and_153_together() {
        for (letters, parts) in [(0, 1), (1, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4)] {
            assert_eq!(segments(&"a".repeat(letters)), parts, "{letters}");
        }
    }

    #[test]
    fn other_letters_fill_70_alone_and_67_together() {
        for (letters, parts) in [(70, 1), (71, 2), (134, 2), (135, 3)] {
            assert_eq!(segments(&"ж".repeat(letters)), parts, "{letters}");
        }
        assert_eq!(segments(&format!("{}…", "a".repeat(69))), 1);
        assert_eq!(segments(&format!("{}…", "a".repeat(70))), 2, "one such letter makes all of them wide");
        // A face takes two.
        assert_eq!((segments(&"🙂".repeat(35)), segments(&"🙂".repeat(36))), (1, 2));
        assert_eq!(segments(&"🙂".repeat(67)), 3, "33 fit in a part, and none is cut in two");
    }

    #[test]
    fn some_plain_letters_take_the_room_of_two() {
        assert_eq!((segments(&"€".repeat(80)), segments(&"€".repeat(81))), (1, 2));
        assert_eq!(segments(&format!("{}{{}}[]~|^\\", "a".repeat(144))), 1);
        assert_eq!(segments(&format!("{}{{}}[]~|^\\", "a".repeat(145))), 2);
        assert_eq!(segments(&"€".repeat(153)), 3, "76 fit in a part, and none is cut in two");
    }

    #[test]
    fn the_common_letters_are_127_and_the_wide_ones_ten() {
        // The 128th is the sign that announces a wide one.
        assert_eq!((COMMON.chars().count(), WIDE.chars().count()), (127, 10));
    }
}
