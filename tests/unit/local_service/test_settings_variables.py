from local_service.service import settings_variables


def test_settings_of_the_caller_pass_through_and_nothing_else_does() -> None:
    environment = {
        "GITHUB_TOKEN": "token",
        "LEASE_SECONDS": "30",
        "MAX_SETUP_TASKS": "1",
        "LOG_LEVEL": "",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "HOME": "/home/ada",
    }

    assert settings_variables(environment) == {"GITHUB_TOKEN": "token", "LEASE_SECONDS": "30", "MAX_SETUP_TASKS": "1"}
