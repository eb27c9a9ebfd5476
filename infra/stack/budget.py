"""The budget of one environment: somebody is told before the month's bill is surprising."""

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from infra.environments import Environment
from infra.stack.monitoring import Monitoring

COST_TAG = "service"
"""The tag by which costs are told apart; it has to be activated once in the billing console."""

_SPENT_PERCENT = 80
_FORECAST_PERCENT = 100


class Budget(Construct):
    """Tells the alarm topic when most of the month's budget is spent, and when all of it is forecast to be."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, dollars: int, monitoring: Monitoring
    ) -> None:
        super().__init__(scope, construct_id)
        monitoring.let_publish("budgets.amazonaws.com")
        budgets.CfnBudget(
            self,
            "Monthly",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=f"{environment.service} monthly",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:{COST_TAG}${environment.service}"]},
            ),
            notifications_with_subscribers=[
                _notification("ACTUAL", _SPENT_PERCENT, monitoring),
                _notification("FORECASTED", _FORECAST_PERCENT, monitoring),
            ],
        )


def _notification(
    kind: str, percent: int, monitoring: Monitoring
) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
    return budgets.CfnBudget.NotificationWithSubscribersProperty(
        notification=budgets.CfnBudget.NotificationProperty(
            comparison_operator="GREATER_THAN", notification_type=kind, threshold=percent, threshold_type="PERCENTAGE"
        ),
        subscribers=[budgets.CfnBudget.SubscriberProperty(address=monitoring.topic.topic_arn, subscription_type="SNS")],
    )
