"""``hub check``."""


def test_a_good_configuration_is_fine(hub):
    result = hub("check")

    assert (result.code, result.out) == (0, "")
    assert "everything is as it should be" in result.err


def test_every_problem_is_a_line_with_file_line_path_and_expectation(hub, folder):
    (folder / "hub.yaml").write_text(
        "http:\n  port: eighty\nhistory: {keep_days: 0}\nnonsense: {}\n"
    )

    result = hub("check")

    assert result.code == 1
    assert result.out.splitlines()[0].startswith("hub.yaml:2: http.port: expected a port")
    assert any(
        line.startswith("hub.yaml:3: history.keep_days: ") for line in result.out.split("\n")
    )


def test_the_sections_of_plugins_and_the_automations_are_checked_too(hub, folder):
    (folder / "hub.yaml").write_text(
        "efento: {tokens: [{name: barn}]}\n"
        "eefento: {}\n"
        "automations:\n"
        "  - alias: wrong\n"
        "    triggers: [{trigger: nonsense}]\n"
        "    actions: []\n"
    )

    result = hub("check", "--json")

    assert result.code == 1
    found = {(one["level"], one["path"].partition("[")[0]) for one in result.json()}
    assert ("error", "efento.tokens") in found
    assert ("warning", "eefento") in found
    assert any(one["level"] == "error" and one["line"] == 5 for one in result.json())


def test_warnings_alone_are_no_failure(hub, folder):
    (folder / "hub.yaml").write_text("unknown_plugin: {}\n")

    result = hub("check")

    assert result.code == 0
    assert result.out.startswith("hub.yaml:1: unknown_plugin: ignored")
    assert result.out.endswith("(warning)\n")


def test_broken_yaml_is_named_with_its_line(hub, folder):
    (folder / "hub.yaml").write_text("name: Home\nhttp: {port: [\n")

    result = hub("check")

    assert result.code == 1
    assert result.out.startswith("hub.yaml:")
    assert "not valid YAML" in result.out


def test_a_folder_without_a_configuration_is_one_sentence(hub, folder):
    (folder / "hub.yaml").unlink()

    result = hub("check")

    assert result.code == 1
    assert "there is no such file" in result.err
