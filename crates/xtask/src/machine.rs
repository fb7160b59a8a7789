//! Shows what the machine has and what is being put on it.

use mesh_testkit::tools::{self, Outcome, Purpose, Tool};

/// Sees to every tool that `purpose` needs, telling of each.
///
/// # Errors
/// When something required cannot be installed from here; the error says what to run.
pub fn prepare(purpose: Purpose) -> anyhow::Result<()> {
    tools::ensure(purpose, &mut |tool: &Tool, outcome| match outcome {
        Outcome::Present(version) => println!("  have     {} ({version})", tool.name),
        Outcome::Installing(command) => {
            println!("  install  {}: {}\n           {command}", tool.name, tool.why);
        }
        Outcome::GoneOnWithout(reason) => {
            println!("  without  {}: {}\n           {reason}", tool.name, tool.why);
        }
    })
}
