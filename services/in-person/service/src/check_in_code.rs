//! The code that proves that both are there.

use crate::appointment::Appointment;
use mesh_keyring::Keyring;
use mesh_runtime::Problem;
use mesh_types::Reason;

/// The code of an appointment: six digits that are a keyed hash of its id and of how often it was moved (HOTP, RFC 4226). Nothing from which
/// it could be worked out without the key is kept.
///
/// # Errors
/// `KEY_UNAVAILABLE` when the keyring lacks its key.
pub(crate) fn code(keyring: &Keyring, appointment: &Appointment) -> Result<String, Problem> {
    let code = keyring.hotp(&appointment.code_key_id, &appointment.code_text());
    let code = code.ok_or_else(|| {
        tracing::error!(key_id = %appointment.code_key_id, "a code was made with a key that the keyring lacks");
        Problem::new(
            Reason::KeyUnavailable,
            "this instance does not have the key of the code",
        )
    })?;
    Ok(format!("{code:06}"))
}
