//! A frame of a call stack: a function, and where in the source the call is.

use serde::{Deserialize, Serialize};

use crate::function;

/// A function on a call stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) function: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
    #[serde(default, rename = "inlined", skip_serializing_if = "is_false")]
    pub(crate) is_inlined: bool,
    /// Whether it only forwards an allocation request.
    #[serde(default, rename = "plumbing", skip_serializing_if = "is_false")]
    pub(crate) is_plumbing: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(is: &bool) -> bool {
    !is
}

impl Frame {
    /// The name of the function in every build of the same source: its path, or its last part with
    /// its file.
    pub(crate) fn key(&self) -> String {
        match &self.file {
            Some(file) if !function::is_path(&self.function) => {
                format!("{} ({file})", self.function)
            }
            _ => self.function.clone(),
        }
    }

    /// The file and the line, as editors open them.
    pub(crate) fn place(&self) -> Option<String> {
        let file = self.file.as_ref()?;
        Some(self.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}")))
    }
}
