"""Licences of all installed parts."""

from importlib import metadata

from core.licences import list_licences


def test_every_part_states_its_licence():
    rows = list_licences()
    assert [(row.kind, row.name) for row in rows if row.licence == "not stated"] == []
    versions = {row.name: row.version for row in rows if row.kind == "Python package"}
    assert versions["streamlit"] == metadata.version("streamlit")
    # The package of AI-SFX is under the MIT licence, its weights are not.
    assert {row.licence for row in rows if row.name == "aisfx"} == {"MIT License", "CC BY 4.0"}
    licences = {row.name: row.licence for row in rows}
    assert "MIT" in licences["sonic-pi-server"]
    assert {row.kind for row in rows} == {
        "Python package",
        "Debian package",
        "npm package",
        "encoder",
    }
    assert licences["supersonic-scsynth-synthdefs"] == "MIT"
    assert licences["supersonic-scsynth-samples"] == "CC0-1.0"
