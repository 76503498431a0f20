//! Why a commit has no author or committer.

/// Why git would refuse to commit as the person who is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// There is no name or address; git's reason.
    #[error("git has no identity to commit as: {0}")]
    Nobody(String),
    /// A variable is no date of a commit.
    #[error(
        "{variable} is `{value}`, which git does not accept: a date is a day from 1970 to 2099 \
         with a time of day"
    )]
    Date {
        /// The name of the variable.
        variable: String,
        /// Its value.
        value: String,
    },
}
