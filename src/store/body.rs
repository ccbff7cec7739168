//! Records and calls as bytes: MessagePack with the names of the fields, so that newer and older programs read each
//! other.

use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes of an ordinary record, so that writing it asks for memory once.
const USUAL: usize = 4096;

/// The written form.
pub(in crate::store) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    let mut bytes = Vec::with_capacity(USUAL);
    rmp_serde::encode::write_named(&mut bytes, value)?;
    Ok(bytes)
}

/// What was written.
pub(in crate::store) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> rusqlite::Result<T> {
    rmp_serde::from_slice(bytes)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(error)))
}

/// For a value that is written within a transaction.
pub(in crate::store) fn column<T: Serialize>(value: &T) -> rusqlite::Result<Vec<u8>> {
    encode(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Places of records as one column.
pub(in crate::store) fn places(places: impl Iterator<Item = i64>) -> Vec<u8> {
    places.flat_map(i64::to_le_bytes).collect()
}

/// The places in that column.
pub(in crate::store) fn read_places(bytes: &[u8]) -> impl Iterator<Item = i64> {
    bytes.chunks_exact(8).filter_map(|place| place.try_into().ok().map(i64::from_le_bytes))
}
