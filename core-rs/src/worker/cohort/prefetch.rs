//! A hint to the processor: what will be looked at next.

/// Begins to load the cache line at `address`, and waits for nothing. It does no harm where there
/// is nothing to load, and helps only if something else is done meanwhile: a system call is long
/// enough.
#[inline]
pub(crate) fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that the program can see, and no address is wrong for
        // it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    // Elsewhere there is no stable way to ask for it.
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
