/** The addresses of the admin API about schedules. */
import type { Scheduler } from "../schedules/scheduler.ts";
import type { AdminRoute } from "./route.ts";
import { list, ref } from "./schemas.ts";

const reason = { type: "string", minLength: 1, maxLength: 500, description: "Why; stands in the audit." };

export function scheduleRoutes(scheduler: () => Scheduler): readonly AdminRoute[] {
  return [
    {
      method: "GET",
      path: "/schedules",
      name: "listSchedules",
      summary: "Schedules, with their next ticks",
      role: "viewer",
      answer: list("Schedule", "schedules"),
      handle: () => ({ schedules: scheduler().list() }),
    },
    {
      method: "GET",
      path: "/schedules/{name}",
      name: "getSchedule",
      summary: "One schedule",
      role: "viewer",
      answer: ref("Schedule"),
      handle: ({ parameters }) => scheduler().get(parameters.name as string),
    },
    {
      method: "POST",
      path: "/schedules/{name}/pause",
      name: "pauseSchedule",
      summary: "Starts nothing until it is resumed",
      role: "operator",
      action: "schedule.pause",
      body: { properties: { reason }, required: ["reason"] },
      answer: ref("Done"),
      async handle({ parameters, body, caller, audit }) {
        await scheduler().pause(parameters.name as string, caller.name, String(body.reason), () => [audit()]);
        return { done: true };
      },
    },
    {
      method: "POST",
      path: "/schedules/{name}/resume",
      name: "resumeSchedule",
      summary: "Goes on with the next tick; what passed meanwhile is not made up for",
      role: "operator",
      action: "schedule.resume",
      body: { properties: { reason }, required: ["reason"] },
      answer: ref("Done"),
      async handle({ parameters, audit }) {
        await scheduler().resume(parameters.name as string, () => [audit()]);
        return { done: true };
      },
    },
    {
      method: "POST",
      path: "/schedules/{name}/run-now",
      name: "runSchedule",
      summary: "Starts a run of it now, besides its ticks; also where it is paused",
      role: "operator",
      action: "schedule.run-now",
      body: { properties: { reason }, required: ["reason"] },
      answer: {
        type: "object",
        required: ["run", "key"],
        properties: { run: { type: "string" }, key: { type: "string", description: "Business key of the run." } },
      },
      status: 201,
      handle: ({ parameters, caller }) => scheduler().runNow(parameters.name as string, caller.name),
    },
  ];
}
