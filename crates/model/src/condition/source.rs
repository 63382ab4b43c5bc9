//! Conditions of sources: files and formats.

use super::conditions;

conditions! {
    PATH_NOT_FOUND = "PATH_NOT_FOUND", "42K03", User, No, "The folder or file that a query reads does not exist.";
}
