//! Lists that come in pages.

use serde::de::DeserializeOwned;

use crate::twilio::client::Client;
use crate::twilio::error::Error;

/// One page of a list.
pub(crate) trait Page: DeserializeOwned {
    type Item;
    fn items(self) -> (Vec<Self::Item>, Option<String>);
}

/// Pages read at most: with a thousand items each, nobody's list is longer.
const MOST_PAGES: usize = 100;

/// The whole list.
pub(crate) async fn all<P: Page>(client: &Client, below: &str, query: &[(&str, &str)]) -> Result<Vec<P::Item>, Error> {
    let (mut items, mut next) = client.get::<P>(below, query).await?.items();
    for _ in 1..MOST_PAGES {
        let Some(path) = next.filter(|path| !path.is_empty()) else { return Ok(items) };
        let (more, after) = client.get_page::<P>(&path).await?.items();
        items.extend(more);
        next = after;
    }
    Err(Error::Strange(format!("a list has more than {MOST_PAGES} pages")))
}
