//! The keys that stored secrets are sealed under, as they were given.

use std::sync::Arc;

use crate::settings::Reader;
use crate::vault::Ring;
use crate::vault::key::Key;

impl Reader<'_> {
    /// The ring of the given keys; none when none was given, or a fault was kept.
    pub(in crate::settings) fn ring(&mut self) -> Option<Arc<Ring>> {
        let current = self.vault_key("encryption_key");
        let previous = self.vault_key("encryption_key_previous");
        let Some(current) = current else {
            if previous.is_some() && self.layers.get("encryption_key").is_none() {
                self.fault(
                    "encryption_key_previous",
                    "there is no `ENCRYPTION_KEY` that follows it: set the new key beside it",
                );
            }
            return None;
        };
        match Ring::new(current, previous) {
            Ok(ring) => Some(Arc::new(ring)),
            Err(error) => {
                self.fault("encryption_key_previous", error.to_string());
                None
            }
        }
    }

    fn vault_key(&mut self, name: &str) -> Option<Key> {
        let text = self.layers.get(name)?.text.clone();
        Key::parse(&text).map_err(|error| self.fault(name, error.to_string())).ok()
    }
}
