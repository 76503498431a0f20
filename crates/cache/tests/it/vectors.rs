//! Bitmap files of the C tool are decoded, and encoded again byte for byte.

use gitmind_cache::{decode_bitmap, encode_bitmap};
use gitmind_memory::{Alloc, System};
use gitmind_test_support::fixtures_directory;
use serde_json::Value;

#[test]
fn every_bitmap_file_of_the_c_tool_decodes_and_encodes_to_itself() {
    let text = std::fs::read_to_string(fixtures_directory().join("bitmap-vectors.jsonl"));
    let mut checked = 0;
    for line in text.expect("a fixture").lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let name = line["name"].as_str().expect("a name");
        let hex = line["hex"].as_str().expect("hex").as_bytes();
        let file = data_encoding::HEXLOWER.decode(hex).expect("hex");
        let system = System::new();
        let alloc = Alloc::new(&system);
        let ids = decode_bitmap(alloc, &file).expect(name);
        assert_eq!(ids.len() as u64, line["cardinality"].as_u64().expect("a count"), "{name}");
        if let Some(listed) = line["ids"].as_array() {
            let listed: Vec<_> = listed.iter().map(|id| id.as_u64().expect("an id")).collect();
            assert!(ids.iter().copied().map(u64::from).eq(listed), "{name}");
        }
        let mut again = gitmind_memory::Vec::new(alloc);
        encode_bitmap(&ids, &mut again).expect("there is memory");
        assert!(*again == file, "{name}");
        checked += 1;
    }
    assert_eq!(checked, 13);
}
