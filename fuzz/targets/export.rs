//! Whatever the entry `export` is given, it neither panics nor contradicts itself.

#![no_main]

#[path = "../entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entries::run("export", bytes));
