//! The one test binary of `plan`.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod functions;
#[cfg(test)]
mod language;
#[cfg(test)]
mod outcome;
#[cfg(test)]
mod pipelines;
#[cfg(test)]
mod support;
