//! `keyreeve init`: makes a deployment, and says what to do next.

use std::path::PathBuf;

use clap::Args;
use keyreeve_server::config::{Config, Unseal, passphrase};
use keyreeve_server::deployment::{Folder, Secret};
use keyreeve_server::serve;

use super::Failure;
use crate::terminal;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keyreeve init --config keyreeve.toml             as the configuration says\n  keyreeve init --data /var/lib/keyreeve           with a new key file, root.key, in that folder\n  keyreeve init --data /var/lib/keyreeve --key-file /media/usb/root.key\n  keyreeve init --data /var/lib/keyreeve --passphrase\n\nWhoever loses the key file or passphrase loses every key: keep a copy where the backups are not."
)]
pub(crate) struct Init {
    /// Configuration that `serve` will use.
    #[arg(long, value_name = "FILE", conflicts_with = "data", required_unless_present = "data")]
    config: Option<PathBuf>,
    /// Folder to make the deployment in.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    #[command(flatten)]
    secret: NewSecret,
}

/// What shall open the root key. With a configuration: what it says, unless one of these is given.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct NewSecret {
    /// Key file, which is made if there is none; by default root.key in the folder.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File, mode 0600, that holds the passphrase.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Asks for a passphrase, twice.
    #[arg(long)]
    passphrase: bool,
}

pub(crate) fn run(arguments: &Init) -> Result<(), Failure> {
    let config = arguments.config.as_deref().map(|path| Config::load(Some(path))).transpose()?;
    let folder = match (&config, &arguments.data) {
        (Some(config), _) => config.folder(),
        // Absolute, as what is printed next is to be pasted into a file elsewhere.
        (None, Some(data)) => Folder::new(std::path::absolute(data)?),
        (None, None) => return Err("say where: --config FILE or --data FOLDER".into()),
    };
    let unseal = arguments.secret.unseal(config.as_ref(), &folder)?;
    // Before anybody is asked for a passphrase.
    if folder.is_initialised() {
        return Err(serve::ServeError::AlreadyInitialised(folder.path().to_owned()).into());
    }
    serve::init(&folder, secret(&unseal)?)?;
    terminal::print(&next(arguments, config.as_ref(), &folder, &unseal));
    Ok(())
}

impl NewSecret {
    fn unseal(&self, config: Option<&Config>, folder: &Folder) -> Result<Unseal, Failure> {
        if let Some(path) = &self.key_file {
            return Ok(Unseal::KeyFile(std::path::absolute(path)?));
        }
        if let Some(path) = &self.passphrase_file {
            return Ok(Unseal::PassphraseFile(std::path::absolute(path)?));
        }
        if self.passphrase {
            return Ok(Unseal::Prompt);
        }
        Ok(config.map_or_else(|| Unseal::KeyFile(folder.key_file()), |config| config.unseal.clone()))
    }
}

/// A new passphrase is asked for twice.
fn secret(unseal: &Unseal) -> Result<Secret, Failure> {
    match unseal {
        Unseal::Prompt => Ok(Secret::Passphrase(passphrase::new_from_terminal()?)),
        Unseal::KeyFile(_) | Unseal::PassphraseFile(_) | Unseal::PassphraseCredential(_) => {
            Ok(unseal.secret()?)
        }
    }
}

fn next(arguments: &Init, config: Option<&Config>, folder: &Folder, unseal: &Unseal) -> String {
    let opens = match unseal {
        Unseal::KeyFile(path) => format!("The key file {}", path.display()),
        Unseal::PassphraseFile(_) | Unseal::PassphraseCredential(_) | Unseal::Prompt => {
            "The passphrase".to_owned()
        }
    };
    let mut text = format!(
        "A deployment was made in {}.\n{opens} opens it: keep a copy where its backups are not. Without it every key is \
         lost.\n\nNext:\n",
        folder.path().display()
    );
    let file = match &arguments.config {
        Some(path) => path.display().to_string(),
        None => {
            text.push_str(&format!(
                "\n  cat > keyreeve.toml <<'END'\n  [deployment]\n  data = {}\n  regions = [\"eu-central-1\"]\n  [listen]\n  \
                 addresses = [\"127.0.0.1:8080\"]\n  [unseal]\n  {unseal}\n  END\n",
                toml_text(&folder.path().display().to_string())
            ));
            "keyreeve.toml".to_owned()
        }
    };
    if config.is_some_and(|config| config.unseal != *unseal) {
        text.push_str(&format!("\n  in {file}, let [unseal] say: {unseal}\n"));
    }
    text.push_str(&format!(
        "\n  keyreeve serve --config {file}\n  keyreeve account create NAME --config {file}      in another terminal"
    ));
    text
}

/// A text as TOML writes it; JSON's escapes are TOML's too.
fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
