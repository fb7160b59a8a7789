//! One key of an issuer.

use anyhow::{Context, anyhow};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::{Value, json};

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// By an Ed25519 key.
    EdDsa,
    /// By a P-256 key.
    Es256,
    /// By an RSA key of 2048 bits.
    #[cfg(feature = "service")]
    Rs256,
}

impl Algorithm {
    /// Its name in a token's header (RFC 7518, RFC 8037).
    pub(super) fn jwa(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            #[cfg(feature = "service")]
            Self::Rs256 => "RS256",
        }
    }
}

#[derive(Debug)]
pub(super) struct SigningKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pkcs8: Vec<u8>,
    pair: Pair,
}

#[derive(Debug)]
enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    #[cfg_attr(
        not(feature = "service"),
        expect(dead_code, reason = "only tests of services have RSA")
    )]
    Rsa(RsaKeyPair),
}

impl SigningKey {
    pub(super) fn generate(algorithm: Algorithm) -> anyhow::Result<Self> {
        let random = SystemRandom::new();
        let unmade = |_| anyhow!("no key can be made");
        let pkcs8 = match algorithm {
            Algorithm::EdDsa => {
                let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).map_err(unmade)?;
                pkcs8.as_ref().to_vec()
            }
            Algorithm::Es256 => {
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(unmade)?;
                pkcs8.as_ref().to_vec()
            }
            #[cfg(feature = "service")]
            Algorithm::Rs256 => {
                use aws_lc_rs::{encoding::AsDer, rsa};
                rsa::KeyPair::generate(rsa::KeySize::Rsa2048)?
                    .as_der()?
                    .as_ref()
                    .to_vec()
            }
        };
        Self::new(crate::new_uuid().to_string(), algorithm, pkcs8)
    }

    fn new(kid: String, algorithm: Algorithm, pkcs8: Vec<u8>) -> anyhow::Result<Self> {
        let pair = match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(&pkcs8).map(Pair::Ed25519),
            Algorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new()).map(Pair::P256)
            }
            #[cfg(feature = "service")]
            Algorithm::Rs256 => RsaKeyPair::from_pkcs8(&pkcs8).map(Pair::Rsa),
        };
        Ok(Self {
            kid,
            algorithm,
            pkcs8,
            pair: pair.map_err(|error| anyhow!("no key: {error}"))?,
        })
    }

    /// Back from [`SigningKey::stored`].
    pub(super) fn read(stored: &Value) -> anyhow::Result<Self> {
        let field = |name: &str| stored[name].as_str().with_context(|| format!("a key lacks {name}"));
        let algorithm = match field("alg")? {
            "EdDSA" => Algorithm::EdDsa,
            "ES256" => Algorithm::Es256,
            #[cfg(feature = "service")]
            "RS256" => Algorithm::Rs256,
            other => anyhow::bail!("no key by {other} is read here"),
        };
        let pkcs8 = URL_SAFE_NO_PAD.decode(field("pkcs8")?)?;
        Self::new(field("kid")?.to_owned(), algorithm, pkcs8)
    }

    /// All of it, the private half too.
    pub(super) fn stored(&self) -> Value {
        json!({ "kid": self.kid, "alg": self.algorithm.jwa(), "pkcs8": URL_SAFE_NO_PAD.encode(&self.pkcs8) })
    }

    /// Its public half (RFC 7517).
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(pair.public_key()) })
            }
            Pair::P256(pair) => {
                // A byte that says "uncompressed", then both coordinates.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) })
            }
            Pair::Rsa(pair) => {
                let numbers = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(numbers.n), "e": URL_SAFE_NO_PAD.encode(numbers.e) })
            }
        };
        jwk["kid"] = self.kid.clone().into();
        jwk["alg"] = self.algorithm.jwa().into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// The public half in bytes: a point, or for RSA the DER of modulus and exponent.
    pub(super) fn public_key(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Pair::P256(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Rsa(pair) => pair.public().as_ref().to_vec(),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::P256(pair) => {
                let signature = pair.sign(&random, message).expect("the system gives random bytes");
                signature.as_ref().to_vec()
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect("the buffer is as long as the modulus");
                signature
            }
        }
    }
}
