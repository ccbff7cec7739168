//! A name server on this machine: it answers questions for TXT records over UDP, and knows of nothing else.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};

/// Names with the texts that stand there.
type Records = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

/// A running server.
pub(crate) struct Dns {
    pub(crate) address: String,
    records: Records,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Dns {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let (records, asked) = (Records::default(), Arc::<Mutex<Vec<String>>>::default());
        let (known, heard) = (Arc::clone(&records), Arc::clone(&asked));
        std::thread::spawn(move || {
            let mut packet = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                let (name, question) = question(&packet[..length]);
                heard.lock().unwrap().push(name.clone());
                let texts = known.lock().unwrap().get(&name).cloned().unwrap_or_default();
                socket.send_to(&answer(&packet[..2], question, &texts), from).unwrap();
            }
        });
        Self { address, records, asked }
    }

    /// Puts texts at a name, in place of those that stood there.
    pub(crate) fn put(&self, name: &str, texts: &[&str]) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.records.lock().unwrap().insert(name.to_owned(), texts);
    }

    /// The names that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The name, and the bytes of the question; it must be one for a TXT record of the internet.
fn question(packet: &[u8]) -> (String, &[u8]) {
    assert_eq!(packet[4..6], [0, 1], "one question at a time");
    let (mut at, mut labels) = (12, Vec::new());
    while packet[at] != 0 {
        let end = at + 1 + usize::from(packet[at]);
        labels.push(String::from_utf8(packet[at + 1..end].to_vec()).unwrap().to_ascii_lowercase());
        at = end;
    }
    assert_eq!(packet[at + 1..at + 5], [0, 16, 0, 1], "a TXT record is wanted");
    (labels.join("."), &packet[12..at + 5])
}

/// Each text comes in two pieces, as long ones do.
fn answer(id: &[u8], question: &[u8], texts: &[String]) -> Vec<u8> {
    let missing = if texts.is_empty() { 3 } else { 0 };
    let mut packet = [id, &[0x84, missing, 0, 1, 0, u8::try_from(texts.len()).unwrap(), 0, 0, 0, 0]].concat();
    packet.extend(question);
    for text in texts {
        let (one, other) = text.split_at(text.len() / 2);
        let pieces = [one, other].map(|piece| [&[u8::try_from(piece.len()).unwrap()], piece.as_bytes()].concat());
        let data = pieces.concat();
        packet.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        packet.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        packet.extend(data);
    }
    packet
}
