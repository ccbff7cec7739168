//! Organizations in both stores: one contract for the two, nobody crossing over, and what PostgreSQL alone does.

use std::sync::Arc;

use ringfall::app::tenancy::Tenants;

mod contract;
mod crossing;
mod file;
mod revising;
mod server;
pub(crate) mod things;

/// A store with what it stands on, which goes away with it.
pub(crate) struct Ground {
    pub(crate) store: Arc<dyn Tenants>,
    _folder: tempfile::TempDir,
}

impl Ground {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: ringfall::tenants::open(folder.path(), None).unwrap(), _folder: folder }
    }

    fn postgresql() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = crate::postgres::shared().database();
        Self { store: ringfall::tenants::open(folder.path(), Some(&database.url)).unwrap(), _folder: folder }
    }
}

/// Every promise of the port, for each of the stores.
macro_rules! both {
    ($($promise:path as $name:ident),* $(,)?) => {
        mod on_sqlite {
            //! The promises of the port, kept by SQLite.
            $(#[tokio::test]
            async fn $name() {
                let ground = super::Ground::sqlite();
                $promise(ground.store.as_ref()).await;
            })*
        }
        mod on_postgresql {
            //! The promises of the port, kept by PostgreSQL.
            $(#[tokio::test]
            async fn $name() {
                let ground = super::Ground::postgresql();
                $promise(ground.store.as_ref()).await;
            })*
        }
    };
}

both! {
    super::contract::what_is_kept_is_read_back_whole as what_is_kept_is_read_back_whole,
    super::contract::all_of_a_change_is_kept_or_none as all_of_a_change_is_kept_or_none,
    super::contract::of_two_who_change_a_thing_one_is_told as of_two_who_change_a_thing_one_is_told,
    super::contract::many_writers_lose_nothing as many_writers_lose_nothing,
    super::contract::what_is_taken_is_taken_for_everybody as what_is_taken_is_taken_for_everybody,
    super::contract::a_number_of_an_account_is_one_organizations as a_number_of_an_account_is_one_organizations,
    super::contract::what_hangs_together_is_made_and_removed_in_order as what_hangs_together_is_made_and_removed_in_order,
    super::contract::a_plan_is_asked_in_the_same_transaction as a_plan_is_asked_in_the_same_transaction,
    super::contract::only_one_revision_is_current as only_one_revision_is_current,
    super::contract::tokens_are_found_by_their_hash as tokens_are_found_by_their_hash,
    super::contract::every_change_leaves_its_line as every_change_leaves_its_line,
    super::contract::a_change_is_heard_of as a_change_is_heard_of,
    super::contract::a_load_is_of_one_moment as a_load_is_of_one_moment,
    super::contract::organizations_are_listed_page_by_page as organizations_are_listed_page_by_page,
    super::crossing::nobody_crosses_over as nobody_crosses_over,
    super::revising::rules_are_pushed_and_rolled_back as rules_are_pushed_and_rolled_back,
    super::revising::of_many_pushes_each_is_kept_and_one_is_current as of_many_pushes_each_is_kept_and_one_is_current,
    super::revising::the_suspended_get_no_new_rules as the_suspended_get_no_new_rules,
    super::revising::the_rollout_is_turned_by_many_and_nothing_is_lost as the_rollout_is_turned_by_many_and_nothing_is_lost,
}
