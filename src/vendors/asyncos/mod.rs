//! Cisco Secure Email (AsyncOS): `calls.toml` has its calls, this folder how one signs in.

mod sign_in;

pub use sign_in::Jwt;
