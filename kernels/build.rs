//! Refuses the `asm` feature where its code would not run: it does not look at the processor itself.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_ASM").is_none() {
        return;
    }
    let target = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let enabled = std::env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let has = |name| enabled.split(',').any(|feature| feature == name);
    assert!(
        target == "x86_64" && has("adx") && has("bmi2"),
        "feature `asm` needs an x86-64 target with ADX and BMI2: \
         set RUSTFLAGS=\"-C target-feature=+adx,+bmi2\" for machines that have them"
    );
}
