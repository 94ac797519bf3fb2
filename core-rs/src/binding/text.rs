//! Text that JavaScript gives, read with one call of Node-API.

use std::mem::MaybeUninit;

use napi::bindgen_prelude::{FunctionCallContext, Unknown};
use napi::{Error, JsValue, Result, Status, sys};

/// Text that fits in here is read at once, and without memory of its own. Other text is tried in
/// vain, which is little beside what it takes as a `String`: its length is asked for first.
const SHORT: usize = 4096;
/// Text that ends so close to the end of the memory may have been cut there.
const LONGEST_CHARACTER: usize = 4;

/// Calls `work` with an argument.
///
/// # Errors
///
/// When it is no text; and those of `work`.
pub(super) fn with_text<R>(
    arguments: &FunctionCallContext,
    index: usize,
    work: impl FnOnce(&str) -> Result<R>,
) -> Result<R> {
    let argument = arguments.get::<Unknown>(index)?;
    let mut memory = [MaybeUninit::<u8>::uninit(); SHORT];
    let mut length = 0;
    // SAFETY: the argument is of the call that this environment is in, and the memory is as long as
    // Node-API is told.
    let status = unsafe {
        let start = memory.as_mut_ptr().cast();
        let env = arguments.env.raw();
        sys::napi_get_value_string_utf8(env, argument.raw(), start, SHORT, &raw mut length)
    };
    let not_a_string =
        || Error::new(Status::StringExpected, format!("argument {index} must be a string"));
    if status != sys::Status::napi_ok {
        return Err(not_a_string());
    }
    if length + LONGEST_CHARACTER >= SHORT {
        return work(&arguments.get::<String>(index)?);
    }
    // SAFETY: Node-API has written so many bytes.
    let written = unsafe { std::slice::from_raw_parts(memory.as_ptr().cast(), length) };
    work(simdutf8::basic::from_utf8(written).map_err(|_| not_a_string())?)
}
