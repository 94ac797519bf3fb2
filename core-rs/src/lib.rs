//! The native core of shardcast.
