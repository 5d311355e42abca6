# SPDX-License-Identifier: Apache-2.0
# Each alarm says that events do not arrive, and where. Metrics that nobody has written yet are no trouble.
locals {
  alarms = var.alarms == null ? {} : merge(
    { for name, queue in aws_sqs_queue.dead : "${name}-dead" => {
      description = "Messages that could not be handled are in ${queue.name}. Mend the handler, then redrive them."
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
      dimensions  = { QueueName = queue.name }, threshold = 0, periods = 1
    } },
    { for name, queue in aws_sqs_queue.undelivered : "${name}-undelivered" => {
      description = "What SNS could not deliver is in ${queue.name}. outbox-relay check finds out why."
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
      dimensions  = { QueueName = queue.name }, threshold = 0, periods = 1
    } },
    { for name, queue in aws_sqs_queue.this : "${name}-late" => {
      description = "The oldest message in ${queue.name} waits for ${var.alarms.late_after} s. Do its consumers run?"
      namespace   = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum"
      dimensions  = { QueueName = queue.name }, threshold = var.alarms.late_after, periods = 3
    } },
    { for name, topic in aws_sns_topic.this : "${name}-failed" => {
      description = "SNS cannot deliver what is published to ${topic.name}. outbox-relay check finds out why."
      namespace   = "AWS/SNS", metric = "NumberOfNotificationsFailed", statistic = "Sum"
      dimensions  = { TopicName = topic.name }, threshold = 0, periods = 1
    } },
    { for name, function in aws_lambda_function.this : "${name}-errors" => {
      description = "The function ${function.function_name} fails as a whole: see its log."
      namespace   = "AWS/Lambda", metric = "Errors", statistic = "Sum"
      dimensions  = { FunctionName = function.function_name }, threshold = 0, periods = 1
    } },
    { for name, function in aws_lambda_function.this : "${name}-throttles" => {
      description = "The function ${function.function_name} is throttled: the account's concurrency is used up."
      namespace   = "AWS/Lambda", metric = "Throttles", statistic = "Sum"
      dimensions  = { FunctionName = function.function_name }, threshold = 0, periods = 3
    } },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 60
  evaluation_periods  = each.value.periods
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.actions
  ok_actions          = var.alarms.actions
  tags                = var.tags
}
