/**
 * What the device on Leshan's client holds at first (leshan/LeshanObjects.java), as an operator reads it; after the configurations of the
 * enabler test specification.
 */

/** Server, configuration 3. */
export const SERVER = {
  "/1/0/0": 1,
  "/1/0/1": 300,
  "/1/0/2": 1,
  "/1/0/3": 10,
  "/1/0/5": 86_400,
  "/1/0/6": false,
  "/1/0/7": "U",
  "/1/0/23": false,
};
/** Device, configuration 6. */
export const DEVICE = {
  "/3/0/0": "Leshan",
  "/3/0/1": "client-cf",
  "/3/0/2": "L-1",
  "/3/0/3": "1.0.0",
  "/3/0/6/0": 1,
  "/3/0/6/1": 2,
  "/3/0/7/0": 3800,
  "/3/0/7/1": 4200,
  "/3/0/8/0": 120,
  "/3/0/8/1": 80,
  "/3/0/9": 77,
  "/3/0/10": 512,
  "/3/0/11/0": 0,
  "/3/0/13": 1_700_000_000,
  "/3/0/14": "+00:00",
  "/3/0/15": "Etc/UTC",
  "/3/0/16": "U",
  "/3/0/17": "sensor",
  "/3/0/18": "A2",
  "/3/0/19": "3.1",
  "/3/0/20": 0,
  "/3/0/21": 1024,
  "/3/0/22/0": "4:0",
};

/** Connectivity Monitoring, configuration 5. */
export const CONNECTIVITY = {
  "/4/0/0": 21,
  "/4/0/1/0": 21,
  "/4/0/1/1": 41,
  "/4/0/2": -81,
  "/4/0/3": 60,
  "/4/0/4/0": "192.0.2.7",
  "/4/0/4/1": "2001:db8::7",
  "/4/0/5/0": "192.0.2.1",
  "/4/0/6": 3,
  "/4/0/7/0": "iot.example",
  "/4/0/8": 117,
  "/4/0/9": 1,
  "/4/0/10": 262,
};

/** Firmware Update, configuration 8: nothing there yet; CoAP and HTTP, push and pull. */
export const FIRMWARE = {
  "/5/0/1": "",
  "/5/0/3": 0,
  "/5/0/5": 0,
  "/5/0/6": "",
  "/5/0/7": "",
  "/5/0/8/0": 0,
  "/5/0/8/1": 2,
  "/5/0/9": 2,
};

/** Location, configuration 7. */
export const LOCATION = {
  "/6/0/0": 43.5723,
  "/6/0/1": 153.2176,
  "/6/0/2": 140,
  "/6/0/3": 100,
  "/6/0/4": "30",
  "/6/0/5": 1_367_491_215,
  "/6/0/6": 3,
};

/** Cellular Connectivity 1.1, configurations 10 and 11. */
export const CELLULAR = {
  "/10/0/4": 3600,
  "/10/0/5": 600,
  "/10/0/8": "05",
  "/10/0/9": "0b",
  "/10/0/11/0": "11:0",
  "/10/0/13": 3,
  "/10/0/14": 1,
};

/** Portfolio, configuration 12. */
export const PORTFOLIO = {
  "/16/0/0/0": "Host Device ID #1",
  "/16/0/0/1": "Host Device Manufacturer #1",
  "/16/0/0/2": "Host Device Model #1",
  "/16/0/0/3": "Host Device Software Version #1",
};

/** Event Log, configuration 16. */
export const EVENT_LOG = { "/20/0/4010": 0, "/20/0/4011": "0,100", "/20/0/4013": 3, "/20/0/4014": "006c6f67" };
