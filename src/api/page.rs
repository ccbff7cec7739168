//! Long lists, a page at a time.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::tenancy;
use crate::tenant::event::Cursor;

/// Things on a page when nothing is said.
const USUAL: u32 = 50;

/// Things on a page at most.
const MOST: u32 = 200;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Things on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// What `next` of the page before said.
    pub(crate) after: Option<String>,
}

impl PageQuery {
    /// Things on the page: as many as were asked for, and no crowd.
    pub(crate) fn limit(&self) -> u32 {
        self.limit.unwrap_or(USUAL).clamp(1, MOST)
    }
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TrailQuery {
    /// Lines at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Those behind this place, oldest first; without it, the newest first.
    #[param(value_type = Option<u64>)]
    after: Option<Cursor>,
    /// Those before this place, newest first.
    #[param(value_type = Option<u64>)]
    before: Option<Cursor>,
}

impl TrailQuery {
    /// Lines at most.
    pub(crate) fn limit(&self) -> u32 {
        self.limit.unwrap_or(USUAL).clamp(1, MOST)
    }

    /// So many of those that were asked for.
    pub(crate) fn lines(&self, most: u32) -> tenancy::Page {
        match self.after {
            Some(after) => tenancy::Page::After(after, most),
            None => tenancy::Page::Before(self.before.unwrap_or(Cursor::MAX), most),
        }
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// What stands on it.
    pub(crate) items: Vec<T>,
    /// What to send as `after` for the next page; none on the last one.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// The page of things that were asked for one more than its limit.
    pub(crate) fn of(mut items: Vec<T>, limit: u32, name: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(name) } else { None };
        Self { items, next }
    }

    /// All there is.
    pub(crate) const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_the_next_begins_and_the_last_says_nothing() {
        let page = Page::of(vec![1, 2, 3], 2, ToString::to_string);
        assert_eq!((page.items, page.next), (vec![1, 2], Some("2".to_owned())));
        let page = Page::of(vec![1, 2], 2, ToString::to_string);
        assert_eq!((page.items, page.next), (vec![1, 2], None));
    }

    #[test]
    fn nobody_gets_a_crowd_or_nothing() {
        let limit = |limit| PageQuery { limit, after: None }.limit();
        assert_eq!((limit(None), limit(Some(0)), limit(Some(9)), limit(Some(5000))), (50, 1, 9, 200));
    }
}
