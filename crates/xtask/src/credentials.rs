//! What a newcomer needs to call the mesh that is up, in a folder that every command of this user finds.

use std::{
    fs::{DirBuilder, File, Permissions, TryLockError},
    io::ErrorKind,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use mesh_testkit::{CertificateFiles, Issuer, Mesh, tools};

/// Who calls for persons.
const PLATFORM: &str = "platform";
/// Locked for as long as the mesh is up.
const LOCK: &str = "up.lock";

/// The published credentials of a mesh. The folder is removed with the value.
pub struct Published {
    folder: PathBuf,
    lock: File,
}

impl Published {
    /// Puts the credentials of `mesh` in the place of those of an earlier one.
    ///
    /// # Errors
    /// When the user's cache cannot be written.
    pub fn of(mesh: &Mesh) -> anyhow::Result<Self> {
        let CertificateFiles { certificate, key, ca } = mesh.pki().of(PLATFORM)?;
        Self::write(&folder()?, |folder| {
            for (file, name) in [(certificate, "platform.pem"), (key, "platform-key.pem"), (ca, "ca.pem")] {
                // The mode comes with it: a key is its owner's alone.
                std::fs::copy(&file, folder.join(name)).with_context(|| format!("cannot copy {}", file.display()))?;
            }
            mesh.issuer().copy_to(folder)
        })
    }

    /// Filled beside its place and then moved there, so that nobody finds half of it.
    fn write(folder: &Path, fill: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<Self> {
        let above = folder.parent().context("the folder has a parent")?;
        DirBuilder::new()
            .recursive(true)
            .create(above)
            .with_context(|| format!("cannot make {}", above.display()))?;
        let fresh = tempfile::Builder::new().prefix("up-").tempdir_in(above)?;
        std::fs::set_permissions(fresh.path(), Permissions::from_mode(0o700))?;
        let lock = File::create(fresh.path().join(LOCK))?;
        lock.lock()?;
        fill(fresh.path())?;
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        std::fs::rename(fresh.keep(), folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            lock,
        })
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        let inode = |facts: std::io::Result<std::fs::Metadata>| facts.ok().map(|facts| facts.ino());
        // A mesh that came up later has put its own there.
        if inode(std::fs::metadata(self.folder.join(LOCK))) == inode(self.lock.metadata()) {
            // What is left is said to be of no mesh that is up, because nobody holds its lock.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// The issuer of the mesh that is up.
///
/// # Errors
/// When none is up.
pub fn issuer() -> anyhow::Result<Issuer> {
    issuer_in(&folder()?)
}

fn issuer_in(folder: &Path) -> anyhow::Result<Issuer> {
    const NONE: &str = "no mesh is up: start one by `cargo xtask up`, and leave it running";
    let lock = match File::open(folder.join(LOCK)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(NONE),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
    };
    match lock.try_lock_shared() {
        Ok(()) => bail!(NONE),
        Err(TryLockError::WouldBlock) => Issuer::open(folder),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Its place: `voluntier-mesh/up` in the user's cache folder.
fn folder() -> anyhow::Result<PathBuf> {
    let tools = tools::cache_folder()?;
    Ok(tools.with_file_name("up"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(folder: &Path, issuer: &Issuer) -> Published {
        Published::write(folder, |folder| issuer.copy_to(folder)).unwrap()
    }

    #[test]
    fn the_issuer_is_found_while_its_mesh_is_up_and_is_that_of_the_last_one() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("cache/up");
        let none = || issuer_in(&folder).unwrap_err().to_string();
        assert!(none().contains("no mesh is up"), "{}", none());
        let [one, other] = ["one", "other"].map(|name| Issuer::create(&root.path().join(name)).unwrap());

        let first = publish(&folder, &one);
        assert_eq!(issuer_in(&folder).unwrap().jwks(), one.jwks());
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let second = publish(&folder, &other);
        assert_eq!(issuer_in(&folder).unwrap().jwks(), other.jwks());
        drop(first);
        assert_eq!(issuer_in(&folder).unwrap().jwks(), other.jwks());
        drop(second);
        assert!(none().contains("no mesh is up"), "{}", none());
    }

    #[test]
    fn what_a_killed_mesh_left_behind_is_of_none_that_is_up() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("up");
        let issuer = Issuer::create(&folder).unwrap();
        issuer.copy_to(&folder).unwrap();
        File::create(folder.join(LOCK)).unwrap();
        let error = issuer_in(&folder).unwrap_err().to_string();
        assert!(error.contains("no mesh is up"), "{error}");
    }
}
