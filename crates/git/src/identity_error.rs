//! Why a commit has no author or committer.

/// Why git would refuse to commit with the configured identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// There is no name or address; git's reason.
    #[error("git has no identity to commit as: {0}")]
    Missing(String),
    /// The value of a variable is not a date of a commit.
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
